// data-countdown="<seconds>" on a button: it waits that long, says how long still, then works.
// Seconds, not a time of day: the clock of the phone may be wrong.
const started = performance.now();
const ends = new WeakMap();

const text = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

const tick = () => {
  for (const button of document.querySelectorAll("[data-countdown]")) {
    if (!ends.has(button)) {
      const from = document.readyState === "complete" ? performance.now() : started;
      ends.set(button, from + Number(button.dataset.countdown) * 1000);
    }
    const left = Math.ceil((ends.get(button) - performance.now()) / 1000);
    button.setAttribute("aria-disabled", String(left > 0));
    button.textContent =
      left > 0 ? `${button.dataset.waiting} ${text(left)}` : button.dataset.ready;
    if (left <= 0) delete button.dataset.countdown;
  }
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-countdown]");
  if (button?.getAttribute("aria-disabled") === "true") event.preventDefault();
});

tick();
setInterval(tick, 500);
