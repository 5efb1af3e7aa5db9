// data-reveal="<id of a password field>" shows what was typed, and hides it before it is sent.
const set = (button, visible) => {
  const field = document.getElementById(button.dataset.reveal);
  if (!field) return;
  field.type = visible ? "text" : "password";
  button.setAttribute("aria-pressed", String(visible));
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (button) set(button, button.getAttribute("aria-pressed") !== "true");
});

// Browsers remember what stands in a text field.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("[data-reveal]")) set(button, false);
});
