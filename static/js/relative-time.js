// Keeps <time data-relative> true: once a minute at most, in the page's language. The time is the
// server's (data-now of the page) and goes on by a clock that nobody can set: the reader's may be wrong.
// The server wrote the same words; the title becomes the exact time of the reader's own clock.
const language = document.documentElement.lang || "en";
const relative = new Intl.RelativeTimeFormat(language, { style: "short", numeric: "always" });
const now = new Intl.RelativeTimeFormat(language, { style: "short", numeric: "auto" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long" });
const SERVER = Date.parse(document.documentElement.dataset.now) || Date.now();
const BEGAN = performance.now();
const serverNow = () => SERVER + performance.now() - BEGAN;
const UNITS = [
  ["year", 31557600],
  ["month", 2629800],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

const wordsFor = (seconds) => {
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  return unit ? relative.format(Math.trunc(seconds / unit[1]), unit[0]) : now.format(0, "second");
};

const update = (root) => {
  for (const time of root.querySelectorAll("time[data-relative][datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const words = wordsFor((moment - serverNow()) / 1000);
    if (time.textContent !== words) time.textContent = words;
    time.title = exact.format(moment);
  }
};

update(document);
setInterval(() => document.hidden || update(document), 60_000);
document.addEventListener("visibilitychange", () => document.hidden || update(document));
// Parts that arrive later bring the server's words, which are fresh: only their titles change.
document.addEventListener("htmx:load", (event) => update(event.detail.elt.parentElement ?? document));
