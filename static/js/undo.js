// The time of grace of a delete. The server owns the clock; here it is only shown.
//   data-seconds="8"      seconds left when the page was made; its text counts down to 0
//   data-grace            around it: gets data-over when they are over
//   form[data-undo]       undoes in place; without script the form does the same and leads back
// What one tab of the browser does, its other tabs look up at once ("user-changed").
const ends = new WeakMap();

const left = (place) => {
  if (!ends.has(place)) ends.set(place, performance.now() + Number(place.dataset.seconds) * 1000);
  return Math.max(0, Math.ceil((ends.get(place) - performance.now()) / 1000));
};

const tick = () => {
  for (const place of document.querySelectorAll("[data-seconds]")) {
    const seconds = left(place);
    if (place.textContent !== String(seconds)) place.textContent = String(seconds);
    if (!seconds) place.closest("[data-grace]")?.setAttribute("data-over", "");
  }
};

// The button is about to go: the focus must not go with it, nor keep it (a part with the focus in it
// is not brought up to date).
const leave = (form) => {
  const row = form.closest("tr")?.querySelector(".row-link");
  (row ?? document.getElementById("main"))?.focus({ preventScroll: true });
};

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-undo]");
  if (!form || !window.htmx) return;
  event.preventDefault();
  leave(form);
  window.htmx
    .ajax("POST", form.action, { source: document.body, target: document.body, swap: "none" })
    .catch(() => {}); // said by toast.js
});

const channel = "BroadcastChannel" in window ? new BroadcastChannel("user-changed") : null;
let told = false;
channel?.addEventListener("message", ({ data }) => {
  told = true;
  if (data.undone) document.dispatchEvent(new CustomEvent("undone", { detail: data.undone }));
  document.body.dispatchEvent(new CustomEvent("user-changed", { bubbles: true }));
  told = false;
});
// The other tabs' messages must not offer what is undone already.
document.addEventListener("undone", ({ detail }) => told || channel?.postMessage({ undone: { undo_url: detail.undo_url } }));
document.addEventListener("user-changed", () => told || channel?.postMessage({}));

tick();
setInterval(tick, 250);
