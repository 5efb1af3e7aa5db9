// Ticks in the list of users, and the bar below it. What is chosen is either a set of rows, which
// outlives pages, sorting, filters and live updates, or all that the filters leave but for those
// unticked since; the latter ends with other filters. Shift takes the rows between two ticks.
// The tab keeps it until the sign-in ends, so it outlives a reload and a look at a user's page too.
// Without script the ticks of the page are a form of their own, and the bar sends it.
const list = document.getElementById("users");
const bar = document.querySelector("[data-bulk]");
const form = bar?.querySelector("form");
const numbers = new Intl.NumberFormat(document.documentElement.lang);
const picked = new Set(); // keys of rows
const spared = new Set(); // keys that were unticked while all was chosen
let all = null; // {filters, total}; a total that nobody counted is Infinity
let last = null; // key of the row ticked last, where a range begins

const boxes = () => [...list.querySelectorAll("[data-tick]")];
const shown = () => list.querySelector("[data-list]").dataset;
const find = (name) => bar.querySelector(`[data-bulk-${name}]`);
const total = () => (shown().capped === undefined ? Number(shown().total) : Infinity);
const isOn = (key) => (all ? !spared.has(key) : picked.has(key));
const size = () => (all ? all.total - spared.size : picked.size);

// The list's filters and order, as its own address says them.
const filters = () => new URL(shown().liveUrl, location).searchParams;
const withoutOrder = (params) => {
  const copy = new URLSearchParams(params);
  copy.delete("sort");
  return copy.toString();
};

const put = (key, on) => {
  const [set, holds] = all ? [spared, !on] : [picked, on];
  if (holds) set.add(key);
  else set.delete(key);
};

const clear = () => {
  all = null;
  last = null;
  picked.clear();
  spared.clear();
};

// ---- Keeping it in this tab ----

const KEY = `selection:${location.pathname}`;

const chooseWhole = () => (all = { filters: filters(), total: total() });

const keep = () => {
  const keys = [...(all ? spared : picked)].join(".");
  const kept = { owner: bar.dataset.owner, all: all && withoutOrder(all.filters), keys };
  try {
    sessionStorage.removeItem(KEY); // an older one is worse than none, if there is no room for this
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // then it holds for this page only
  }
};

// False where nothing was kept. What another person ticked, or another sign-in, is forgotten.
const recall = () => {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY));
    if (!kept) return false;
    clear();
    const isEnded = kept.all !== null && kept.all !== withoutOrder(filters());
    if (kept.owner !== bar.dataset.owner || isEnded) return true;
    if (kept.all !== null) chooseWhole();
    for (const key of kept.keys.split(".")) if (key) put(key, !all);
    return true;
  } catch {
    return false;
  }
};

// ---- Drawing ----

const write = (place, number) => {
  const { one, many, but } = place.dataset;
  const some = but && spared.size ? but.replace("{n}", numbers.format(spared.size)) : place.dataset.some;
  const known = number === 1 && one ? one : many.replace("{n}", numbers.format(number));
  const words = Number.isFinite(number) ? known : some;
  if (place.textContent !== words) place.textContent = words;
};

const drawPage = (ticks) => {
  const whole = list.querySelector("[data-tick-page]");
  if (!whole) return;
  const on = ticks.filter((box) => box.checked).length;
  whole.checked = on > 0 && on === ticks.length;
  whole.indeterminate = on > 0 && on < ticks.length;
};

const drawBar = (ticks) => {
  const number = size();
  const hidden = number - ticks.filter((box) => box.checked).length;
  const more = find("all");
  bar.toggleAttribute("data-on", number > 0);
  write(find("count"), number);
  write(find("hidden"), hidden);
  find("hidden").hidden = hidden <= 0;
  write(more, total());
  more.hidden = Boolean(all && !spared.size) || total() <= ticks.length;
  for (const label of bar.querySelectorAll("button > [data-many]")) write(label, number);
};

const draw = () => {
  const ticks = boxes();
  for (const box of ticks) box.checked = isOn(box.value);
  drawPage(ticks);
  drawBar(ticks);
  const title = document.querySelector("[data-selected-count]");
  if (title) write(title, size());
};

const say = () => {
  const place = document.querySelector("p[data-live]");
  if (place) place.textContent = size() ? find("count").textContent : bar.dataset.none;
};

const changed = () => {
  if (!size()) clear();
  keep();
  draw();
  say();
};

// ---- Choosing ----

const range = (ticks, box) => {
  const [from, to] = [ticks.findIndex((other) => other.value === last), ticks.indexOf(box)];
  return from < 0 ? [box] : ticks.slice(Math.min(from, to), Math.max(from, to) + 1);
};

const onTick = (event, box) => {
  const taken = event.shiftKey ? range(boxes(), box) : [box];
  for (const { value } of taken) put(value, box.checked);
  last = box.value;
  changed();
};

const onPage = (whole) => {
  for (const { value } of boxes()) put(value, whole.checked);
  changed();
};

const chooseAll = () => {
  clear();
  chooseWhole();
  changed();
};

const chooseNone = () => {
  clear();
  changed();
};

// Another page or order of the same list, or another list.
const onLoaded = () => {
  if (all && withoutOrder(all.filters) !== withoutOrder(filters())) clear();
  if (all) chooseWhole();
  keep();
  draw();
};

// The form holds this page's ticks; what is sent is what is chosen.
const fill = (data) => {
  data.delete("id");
  if (!all) return void data.set("id", [...picked].join("."));
  for (const [name, value] of all.filters) data.append(name, value);
  data.set("all", "on");
  if (spared.size) data.set("not", [...spared].join("."));
};

if (list && form) {
  list.addEventListener("click", (event) => {
    const { target } = event;
    if (target.matches("[data-tick]")) onTick(event, target);
    if (target.matches("[data-tick-page]")) onPage(target);
  });
  // A range of ticks is not a range of text.
  list.addEventListener("mousedown", (event) => event.shiftKey && event.target.closest(".tick") && event.preventDefault());
  list.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("[data-tick]")) event.preventDefault();
  });
  find("all").addEventListener("click", () => (chooseAll(), find("none").focus()));
  find("none").addEventListener("click", () => {
    chooseNone();
    document.getElementById("main")?.focus({ preventScroll: true });
  });
  form.addEventListener("formdata", (event) => fill(event.formData));
  document.addEventListener("users-loaded", onLoaded);
  // The file has the screen's filters and order.
  form.addEventListener("submit", ({ submitter }) => {
    const path = submitter?.dataset.bulkExport;
    if (!path) return;
    submitter.setAttribute("formaction", `${path}${path.includes("?") ? "&" : "?"}${filters()}`);
    submitter.closest("[popover]")?.hidePopover(); // whoever comes back finds it closed
  });
  // The dialog that shows all who are selected.
  document.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-selected]")) return;
    put(target.value, target.checked);
    target.defaultChecked = target.checked; // done already: closing the dialog loses nothing
    changed();
  });
  document.addEventListener("click", ({ target }) => {
    if (!target.closest("[data-selected-none]")) return;
    chooseNone();
    target.closest("dialog").close();
  });
  document.addEventListener("bulk-queued", () => (clear(), keep(), draw()));
  // Ticked before this script ran, or kept by the browser that lets us keep nothing.
  if (!recall()) for (const box of boxes()) if (box.checked) picked.add(box.value);
  keep();
  draw();
  // The browser puts its own ticks back late, or the page as it was left.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) recall();
    draw();
  });
}

// A button in a dialog whose number follows a choice: data-counted="<name of the choice>".
document.addEventListener("change", ({ target }) => {
  const button = target.form?.querySelector(`[data-counted="${CSS.escape(target.name)}"]`);
  if (button && target.dataset.count) write(button, Number(target.dataset.count));
});
