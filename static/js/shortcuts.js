// "/" goes to the search field (data-search), "?" opens the help (data-help).
// They can be switched off in the help (WCAG 2.1.4) and rest while something is typed or a dialog is open.
const key = "shortcuts";
const box = document.querySelector("[data-shortcuts]");

const on = () => {
  try {
    return localStorage.getItem(key) !== "off";
  } catch {
    return true;
  }
};

if (box) {
  box.checked = on();
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(key, box.checked ? "on" : "off");
    } catch {
      // then it holds for this page only
    }
  });
}

// What takes letters; a box that was just ticked, or a button, does not.
const LETTERLESS = /^(checkbox|radio|button|submit|reset|file|range|color|image)$/;
const typing = (element) =>
  element.isContentEditable ||
  /^(TEXTAREA|SELECT)$/.test(element.tagName) ||
  (element.tagName === "INPUT" && !LETTERLESS.test(element.type));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (!on() || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "?") {
    const help = document.querySelector("[data-help]");
    if (!help) return;
    event.preventDefault();
    help.showModal();
  }
});
