// hx-trigger="every …": nothing is asked while the tab is hidden, and at once when it is seen again.
// The elements name "seen-again from:document" beside their "every".
document.addEventListener("htmx:beforeRequest", (event) => {
  const trigger = event.target.getAttribute?.("hx-trigger") ?? "";
  if (document.hidden && trigger.startsWith("every ")) event.preventDefault();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.dispatchEvent(new CustomEvent("seen-again"));
});
