// Keeps the parts of a page true by one poll. The page and each answer hold
//   [data-parts] with data-url (what to ask next) and data-every (ms; without it nothing is to come)
//   [data-part] with an id: what it holds is replaced when the server says something else
//   [data-say] on a part: what it says now is read out
//   [data-rows="50"]: a table whose rows are known by id; their cells are updated in place, new rows
//     are added at the end until there are so many; rows never move or vanish
//   [data-parts-lost]: where the page says that it cannot ask
// Nothing is replaced that has the focus or a selection in it: it is asked for again. 204: no news.
const LIMIT = 8000; // ms until an answer counts as lost
const root = document.querySelector("[data-parts]");
const lost = document.querySelector("[data-parts-lost]");
const known = new Map(); // id → what the server said last
let request = null;
let timer = null;
let ended = false;

const parse = (text) => new DOMParser().parseFromString(text, "text/html");
// A form's token is another one every time, and means the same.
const said = (part) => part.innerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");

const inUse = (place) => {
  const selection = getSelection();
  const selected = !selection.isCollapsed && selection.containsNode(place, true);
  return selected || place.contains(document.activeElement);
};

const fill = (place, fresh) => {
  place.replaceChildren(...document.importNode(fresh, true).childNodes);
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: place } })); // exact times
};

// True when the place says what the server says.
const update = (place, fresh, key) => {
  const words = said(fresh);
  if (known.get(key) === words) return true;
  if (!place.isEqualNode(fresh) && place.innerHTML !== fresh.innerHTML) {
    if (inUse(place)) return false;
    fill(place, fresh);
    if ("say" in fresh.dataset) say(place);
  }
  known.set(key, words);
  return true;
};

const say = (place) => {
  const live = document.querySelector("p[data-live]");
  if (live) live.textContent = place.textContent.replace(/\s+/g, " ").trim();
};

const updateRow = (row, fresh) =>
  [...fresh.cells].every((cell, index) => update(row.cells[index], cell, `${row.id} ${index}`));

const updateRows = (table, answer) => {
  let all = true;
  const body = table.querySelector("tbody");
  for (const fresh of answer.querySelectorAll("tbody > tr[id]")) {
    const row = document.getElementById(fresh.id);
    if (row) all = updateRow(row, fresh) && all;
    else if (body.rows.length < Number(table.dataset.rows)) body.append(document.importNode(fresh, true));
  }
  const empty = table.querySelector("[data-empty]");
  if (empty) empty.hidden = body.rows.length > 0;
  return all;
};

const take = (answer) => {
  let all = true;
  for (const fresh of answer.querySelectorAll("[data-part][id]")) {
    const place = document.getElementById(fresh.id);
    if (place) all = update(place, fresh, fresh.id) && all;
  }
  for (const fresh of answer.querySelectorAll("[data-rows][id]")) {
    const table = document.getElementById(fresh.id);
    if (table) all = updateRows(table, fresh) && all;
  }
  const next = answer.querySelector("[data-parts]");
  if (!all || !next) return; // the version that we know is still the old one
  root.dataset.url = next.dataset.url;
  if (next.dataset.every) root.dataset.every = next.dataset.every;
  else delete root.dataset.every;
};

const address = () => {
  const url = new URL(root.dataset.url, location);
  const rows = [...document.querySelectorAll("[data-rows] tbody > tr[id]")];
  if (rows.length) url.searchParams.set("rows", rows.map((row) => row.id.slice(2)).join("_"));
  return url;
};

const tell = (word) => {
  if (!lost) return;
  lost.hidden = !word;
  lost.textContent = word ? lost.dataset[word] : "";
};

// Somebody signed in with another account in another tab: the answer is not this page's.
const isOfAnother = (response) => {
  const account = response.headers.get("X-Account");
  return account !== null && account !== document.documentElement.dataset.account;
};

const ask = async () => {
  const running = new AbortController();
  request = running;
  const stop = setTimeout(() => running.abort(), LIMIT);
  try {
    const response = await fetch(address(), { signal: running.signal, headers: { "HX-Request": "true" } });
    ended = response.redirected || response.status === 401 || response.status === 403;
    if (ended) return "ended";
    ended = isOfAnother(response) || response.status === 404 || response.status === 410;
    if (ended) return isOfAnother(response) ? "other" : "gone";
    if (!response.ok) return "lost";
    if (response.status !== 204) take(parse(await response.text()));
    return "";
  } catch {
    return request === running ? "lost" : "";
  } finally {
    clearTimeout(stop);
    if (request === running) request = null;
  }
};

const plan = (wait = Number(root.dataset.every)) => {
  clearTimeout(timer);
  if (!ended && root.dataset.every && !document.hidden) timer = setTimeout(poll, wait);
};

const poll = async () => {
  if (request) return;
  tell(await ask());
  plan();
};

if (root) {
  plan();
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : plan(0)));
  document.addEventListener("user-changed", () => plan(0));
}
