// Keeps the rows of the list true: one poll a page, every 2 s while something on it is unfinished,
// else every 5 s; none while the tab is hidden. The answer brings whole rows; only the contents of
// their cells are put into ours. A row is never replaced, added, moved or taken away, so an open
// menu, the focus, a text selection and the scroll position outlive every update.
const BUSY = 2000;
// Shorter than a delete can be undone, which everybody shall see in time.
const CALM = 5000;
const LIMIT = 8000; // ms until an answer counts as lost
const LONGEST = 8000; // characters of an address; the server refuses more
const list = document.getElementById("users");
const here = () => list.querySelector("[data-list]");
const rows = () => [...list.querySelectorAll("tr[data-state]")];
let timer = null;
let request = null;
let ended = false;

const parse = (text) => new DOMParser().parseFromString(text, "text/html").querySelector("[data-answer]");

const address = () => {
  const { liveUrl, newest } = here().dataset;
  const seen = rows().map((row) => `${row.id.slice(1)}-${row.dataset.state}`).join("_");
  const url = new URL(liveUrl, location);
  url.searchParams.set("since", newest);
  url.searchParams.set("rows", seen);
  return url.href.length < LONGEST ? url : null;
};

// ---- Putting the answer into the page ----

// Not under somebody's hand: a cell with the focus or a selection in it waits for the next poll.
const inUse = (cell) => {
  const selection = getSelection();
  const selected = !selection.isCollapsed && selection.containsNode(cell, true);
  return selected || cell.contains(document.activeElement);
};

const updateRow = (row, answer) => {
  const cells = [...answer.cells].map((cell, index) => [row.cells[index], cell]);
  const changed = cells.filter(([old, cell]) => cell.dataset.cell !== undefined && !old.isEqualNode(cell));
  if (changed.some(([old]) => inUse(old))) return false;
  for (const [old, cell] of changed) {
    old.replaceChildren(...document.importNode(cell, true).childNodes);
    document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: old } })); // exact times
  }
  row.classList.toggle("is-going", answer.classList.contains("is-going"));
  row.dataset.state = answer.dataset.state;
  if (changed.length) row.classList.add("is-changed");
  return changed.length > 0;
};

const counted = (marker, number, more = "") => {
  if (!marker) return;
  marker.hidden = !number;
  const { one, many } = marker.dataset;
  const words = number === 1 ? one : many.replace("{n}", `${number}${more}`);
  const place = marker.querySelector("span") ?? marker;
  if (number && place.textContent !== words) place.textContent = words;
};

const updateCounts = (answer) => {
  for (const told of answer.querySelectorAll("[data-count]")) {
    const place = document.querySelector(`#users-ribbon [data-count="${CSS.escape(told.dataset.count)}"]`);
    if (place && place.textContent !== told.textContent) place.textContent = told.textContent;
  }
};

const updateSync = (words, className) => {
  const place = document.getElementById("users-sync");
  if (!place) return;
  if (place.textContent !== words) place.textContent = words;
  if (place.className !== className) place.className = className;
};

// A rehearsal that began or ended since the page was loaded.
const updateBanner = (answer) => {
  const [told, shown] = [answer.querySelector(".banner"), document.querySelector("body > .banner")];
  if (told?.textContent === shown?.textContent) return;
  shown?.remove();
  if (told) document.body.prepend(document.importNode(told, true));
};

const say = (changed) => {
  const place = document.querySelector("p[data-live]");
  if (!place || !changed.length) return;
  const [row] = changed;
  const status = row.querySelector(".cell-status .status")?.textContent.trim();
  const marker = document.getElementById("users-changed");
  place.textContent =
    changed.length === 1
      ? `${row.querySelector(".row-link").textContent.trim()}: ${status}`
      : (marker?.dataset.many ?? "").replace("{n}", changed.length);
};

const update = (answer) => {
  const changed = [...answer.querySelectorAll("tr[data-state]")].filter((told) => {
    const row = document.getElementById(told.id);
    return row && list.contains(row) && updateRow(row, told);
  });
  updateCounts(answer);
  updateBanner(answer);
  const sync = answer.querySelector("#users-sync");
  if (sync) updateSync(sync.textContent, sync.className);
  counted(document.getElementById("users-changed"), list.querySelectorAll("tr.is-changed").length);
  counted(document.getElementById("users-arrived"), Number(answer.dataset.arrived), answer.hasAttribute("data-more") ? "+" : "");
  say(changed.map((told) => document.getElementById(told.id)));
  here().toggleAttribute("data-busy", answer.hasAttribute("data-busy"));
};

// ---- Asking ----

// Somebody signed in with another account in another tab: the answer is not this page's.
const isOfAnother = (response) => {
  const account = response.headers.get("X-Account");
  return account !== null && account !== document.documentElement.dataset.account;
};

const lost = (name) => {
  const place = document.getElementById("users-sync");
  if (place) updateSync(place.dataset[name], "head-note fresh tone-wait");
};

const ask = async (url) => {
  const running = new AbortController();
  request = running;
  const stop = setTimeout(() => running.abort(), LIMIT);
  try {
    const response = await fetch(url, { signal: running.signal, headers: { "HX-Request": "true" } });
    // Signed out meanwhile: the answer is the sign-in page, which is not for a cell.
    if (response.redirected || response.status === 401 || response.status === 403) return "ended";
    if (isOfAnother(response)) return "other";
    if (response.status === 404 || response.status === 410) return "gone";
    const answer = response.ok ? parse(await response.text()) : null;
    if (request !== running) return "old";
    if (!answer) return "lost";
    update(answer);
    return "";
  } catch {
    return request === running ? "lost" : "old";
  } finally {
    clearTimeout(stop);
    if (request === running) request = null;
  }
};

const plan = (wait) => {
  clearTimeout(timer);
  if (!ended && !document.hidden) timer = setTimeout(poll, wait);
};

const poll = async () => {
  const url = address();
  if (!url || request) return plan(CALM);
  const trouble = await ask(url);
  if (trouble === "old") return undefined; // a newer one is planned
  ended = ["ended", "other", "gone"].includes(trouble);
  if (trouble) lost(trouble);
  return plan(here().hasAttribute("data-busy") ? BUSY : CALM);
};

const now = () => {
  if (ended) return;
  request?.abort();
  request = null;
  plan(0);
};

if (list && here()) {
  plan(here().hasAttribute("data-busy") ? BUSY : CALM);
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : now()));
  document.addEventListener("user-changed", now);
  // Another view of the list: what was marked and announced belongs to the old one.
  document.addEventListener("users-loaded", () => {
    request?.abort();
    request = null;
    counted(document.getElementById("users-changed"), 0);
    counted(document.getElementById("users-arrived"), 0);
    plan(here().hasAttribute("data-busy") ? BUSY : CALM);
  });
}
