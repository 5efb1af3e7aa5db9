// A filter with thousands of values. Its panel asks the server for some when it is opened, and for
// those that hold what is typed:
//   <fieldset popover data-choices="<address>" data-lost="<words>">
//     <input type="search" data-choices-find>   has no name, so it is not part of the filter
//     <p role="status" data-choices-said>
//     <div><div data-choices-list data-said="<words>">radio buttons</div></div>   is replaced
// The chosen one stays on top. Arrow down goes from the field to the radio buttons.
const WAIT = 300; // ms after the last key
const LIMIT = 8000; // ms until an answer counts as lost
let timer = null;
let request = null;

const say = (panel, words) => {
  panel.querySelector("[data-choices-said]").textContent = words ?? "";
};

const addressOf = (panel) => {
  const url = new URL(panel.dataset.choices, location);
  url.searchParams.set("find", panel.querySelector("[data-choices-find]").value.trim());
  const chosen = panel.querySelector("input[type=radio]:checked");
  if (chosen?.value) url.searchParams.set("enterprise", chosen.value);
  const template = panel.form && new FormData(panel.form).get("template");
  if (template) url.searchParams.set("template", template);
  return url;
};

const fill = (panel, text) => {
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-choices-list]");
  const old = panel.querySelector("[data-choices-list]");
  // Not under somebody's hand.
  if (!fresh || old.contains(document.activeElement)) return;
  old.replaceWith(document.importNode(fresh, true));
  say(panel, fresh.dataset.said);
};

const ask = async (panel) => {
  clearTimeout(timer);
  request?.abort();
  const running = new AbortController();
  request = running;
  const stop = setTimeout(() => running.abort(), LIMIT);
  try {
    const response = await fetch(addressOf(panel), { signal: running.signal, headers: { "HX-Request": "true" } });
    if (!response.ok || response.redirected) throw new Error(response.status);
    const text = await response.text();
    if (request === running) fill(panel, text);
  } catch {
    if (request === running) say(panel, panel.dataset.lost);
  } finally {
    clearTimeout(stop);
  }
};

const panelOf = (event) => event.target.closest?.("[data-choices]");

// `toggle` does not bubble.
document.addEventListener(
  "toggle",
  (event) => {
    const panel = event.target;
    if (event.newState !== "open" || !panel.matches("[data-choices]")) return;
    panel.querySelector("[data-choices-find]").focus();
    ask(panel);
  },
  true,
);

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-choices-find]")) return;
  const panel = panelOf(event);
  clearTimeout(timer);
  timer = setTimeout(() => ask(panel), WAIT);
});

document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.("[data-choices-find]")) return;
  const panel = panelOf(event);
  if (event.key === "Enter") {
    event.preventDefault(); // it would submit the whole form
    ask(panel);
  }
  if (event.key === "ArrowDown") {
    event.preventDefault();
    panel.querySelector("input[type=radio]:checked, input[type=radio]")?.focus();
  }
});
