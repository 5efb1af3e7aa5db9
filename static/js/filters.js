// The list of users: search, filters, sort and pages without loading the whole page again.
// form[data-filters] is the form, a[data-list-link] a link to another view of the same list, #users
// what is replaced; parts around it come out of band. The address bar always says what is shown.
// Without script the form has an Apply button and the links are links.
const list = document.getElementById("users");
const WAIT = 300; // ms after the last key in the search field
const DEFAULTS = { sort: "-last_change", per_page: "50" };
const form = () => document.querySelector("form[data-filters]");
let timer = null;
let asked = null; // the newest request, and how it enters the history: "push", "replace" or ""

const addressOf = (filters) => {
  const url = new URL(filters.action, location);
  // The text field says the same as the radio buttons, for those who have no script.
  for (const field of filters.querySelectorAll("[data-without-script]")) field.disabled = true;
  for (const [name, value] of new FormData(filters)) {
    const text = value.trim();
    if (text && text !== DEFAULTS[name]) url.searchParams.append(name, text);
  }
  return url.pathname + url.search;
};

const load = (address, { history = "push", keepTools = false } = {}) => {
  clearTimeout(timer);
  const newest = { address, history };
  asked = newest;
  // An answer to an older question must not be shown as that to the newer one.
  window.htmx.trigger(list, "htmx:abort");
  list.setAttribute("aria-busy", "true");
  window.htmx
    .ajax("GET", address, {
      source: list,
      target: list,
      swap: "innerHTML",
      headers: keepTools ? { "X-Keep-Tools": "true" } : {},
    })
    .catch(() => {}) // toast.js has said it
    .finally(() => asked === newest && list.removeAttribute("aria-busy"));
};

// Typing replaces the address it made itself, so that Back does not go letter by letter.
let typed = false;
const apply = (isTyping) => {
  const address = addressOf(form());
  if (address === location.pathname + location.search) return;
  load(address, { history: isTyping && typed ? "replace" : "push", keepTools: true });
  typed = isTyping;
};

if (list) {
  document.addEventListener("input", (event) => {
    if (!event.target.matches("form[data-filters] [name=q]")) return;
    clearTimeout(timer);
    timer = setTimeout(() => apply(true), WAIT);
  });

  document.addEventListener("change", (event) => {
    const { form: owner, name } = event.target;
    if (owner?.matches?.("[data-filters]") && name !== "q") apply(false);
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-filters]")) return;
    event.preventDefault();
    apply(false);
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-list-link][href]");
    const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !plain || event.defaultPrevented) return;
    event.preventDefault();
    typed = false;
    load(link.getAttribute("href"), { history: link.href === location.href ? "" : "push" });
  });

  addEventListener("popstate", () => {
    typed = false;
    load(location.pathname + location.search, { history: "" });
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== list) return;
    const { address, history: how } = asked;
    asked.history = ""; // once
    if (how === "push") history.pushState({}, "", address);
    if (how === "replace") history.replaceState({}, "", address);
    // A page further on starts at its first row.
    const top = list.getBoundingClientRect().top;
    if (top < 0) list.scrollIntoView();
    document.dispatchEvent(new CustomEvent("users-loaded"));
  });

  // The focus stays on the link that was followed, though the link was drawn anew.
  let focused = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === list) focused = document.activeElement?.id || null;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target !== list || !focused) return;
    const again = document.getElementById(focused);
    if (again && document.activeElement === document.body) again.focus();
    focused = null;
  });
}

// Compact rows, remembered on this computer.
const KEY = "density";
const remembered = () => {
  try {
    return localStorage.getItem(KEY) === "compact";
  } catch {
    return false;
  }
};

const squeeze = (compact) => {
  document.querySelector("table.users")?.classList.toggle("compact", compact);
  document.querySelector("[data-density]")?.setAttribute("aria-pressed", String(compact));
};

let compact = remembered();
squeeze(compact);
document.addEventListener("users-loaded", () => squeeze(compact));
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-density]")) return;
  compact = !compact;
  squeeze(compact);
  try {
    localStorage.setItem(KEY, compact ? "compact" : "comfortable");
  } catch {
    // then it holds for this page only
  }
});
