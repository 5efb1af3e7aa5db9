// data-copy="text" or data-copy-from="<id of a field or element>" copies and says so.
// Without the Clipboard API, or when it is refused, the old way is tried; when that fails too,
// a message shows the text ready to be marked.
const words = document.querySelector("[data-toasts]")?.dataset ?? {};

const textOf = (button) => {
  if (button.dataset.copyFrom === undefined) return button.dataset.copy;
  const source = document.getElementById(button.dataset.copyFrom);
  return source?.value ?? source?.textContent ?? "";
};

const copyTheOldWay = (text, near) => {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "sr-only";
  field.readOnly = true;
  near.after(field); // inside the same dialog, or the focus could not enter it
  field.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
    near.focus();
  }
};

const copy = async (text, near) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyTheOldWay(text, near);
  }
};

const toast = (detail) => document.dispatchEvent(new CustomEvent("toast", { detail }));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const text = textOf(button);
  if (await copy(text, button)) {
    toast({ text: button.dataset.copied ?? words.copied, tone: "good", icon: "copy" });
  } else {
    toast({ text: words.notCopied, tone: "wait", copy: text });
  }
});
