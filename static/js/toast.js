// Messages in the corner. Anyone can raise one:
//   HX-Trigger: {"toast": {"text": "…", "tone": "good", "icon": "check"}}
//   document.dispatchEvent(new CustomEvent("toast", {detail: {text: "…"}}))
// detail: text; tone good|busy|wait|bad|note; icon; undo_url + seconds (a server-side undo; in the
// text {seconds} counts down, by undo.js; "undone" {"undo_url": …} takes the message away);
// link_url + link_label (where one sees more); copy (text to mark by hand).
// Good news leaves after 8 s unless pointed at or focused; errors and everything with a button stay
// until dismissed.
const region = document.querySelector("[data-toasts]");
const words = region?.dataset ?? {};
const ICONS = { good: "provisioned", busy: "clock", wait: "alert", bad: "error", note: "info" };
const SVG = "http://www.w3.org/2000/svg";

const make = (name, className, text) => {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
};

const icon = (name) => {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${words.icons}#${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
};

// The text as a paragraph; {seconds} in it becomes a number that undo.js counts down.
const paragraph = ({ text, seconds }) => {
  const [before, after] = text.split("{seconds}");
  const place = make("p", "", before);
  if (after === undefined) return place;
  const number = make("b", "num", String(seconds));
  number.dataset.seconds = seconds;
  place.append(number, after);
  return place;
};

const leave = (toast) => {
  const hadFocus = toast.contains(document.activeElement);
  toast.remove();
  if (hadFocus) document.getElementById("main")?.focus();
};

// Time stands still while someone points at the message or has the focus in it.
const leaveAfter = (toast, seconds) => {
  let left = seconds;
  const timer = setInterval(() => {
    if (!toast.isConnected) return clearInterval(timer);
    if (toast.matches(":hover, :focus-within")) return undefined;
    left -= 1;
    return left <= 0 ? (clearInterval(timer), leave(toast)) : undefined;
  }, 1000);
};

const undoButton = (toast, detail) => {
  const button = make("button", "btn btn-small", detail.undo_label ?? words.undo);
  button.type = "button";
  button.prepend(icon("undo"));
  button.addEventListener("click", () => {
    leave(toast);
    window.htmx
      .ajax("POST", detail.undo_url, { source: region, target: region, swap: "none" })
      .catch(() => {}); // said below
  });
  return button;
};

const show = (detail) => {
  const tone = detail.tone ?? "good";
  const toast = make("div", `toast tone-${tone}`);
  const body = make("div", "toast-body");
  body.append(paragraph(detail));
  if (detail.link_url) {
    const link = make("a", "", detail.link_label);
    link.href = detail.link_url;
    body.append(link);
  }
  if (detail.copy) {
    const field = make("textarea", "input");
    field.readOnly = true;
    field.rows = 3;
    field.value = detail.copy;
    field.setAttribute("aria-label", detail.text);
    body.append(field);
  }
  toast.append(icon(detail.icon ?? ICONS[tone] ?? "info"), body);
  if (detail.undo_url) {
    toast.dataset.undoUrl = detail.undo_url;
    toast.append(undoButton(toast, detail));
  }
  if (detail.seconds) {
    // Only drawn: the server owns the clock, the undo is refused when it has run out.
    toast.classList.add("toast-clock");
    toast.style.setProperty("--clock", `${detail.seconds}s`);
    setTimeout(() => leave(toast), detail.seconds * 1000);
  }
  const close = make("button", "btn btn-quiet btn-icon");
  close.type = "button";
  close.setAttribute("aria-label", words.hide);
  close.append(icon("close"));
  close.addEventListener("click", () => leave(toast));
  toast.append(close);
  region.append(toast);
  while (region.childElementCount > 4) region.firstElementChild.remove();
  if (!detail.seconds && !detail.undo_url && tone === "good") leaveAfter(toast, 8);
  const live = document.querySelector("[data-live]");
  if (live) live.textContent = body.textContent;
};

const dialogIsOpen = () => document.querySelector("[data-dialog-frame]")?.open;

const wordsFor = (xhr) =>
  words[xhr.getResponseHeader("X-Refused")] ??
  ({ 403: words.refused, 404: words.gone, 410: words.gone })[xhr.status] ?? words.failed;

if (region) {
  document.addEventListener("toast", (event) => show(event.detail));
  document.addEventListener("undone", ({ detail }) => {
    const toast = region.querySelector(`[data-undo-url="${CSS.escape(detail.undo_url)}"]`);
    if (toast) leave(toast);
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr, requestConfig } = event.detail;
    // A poll that fails says so in its own place; a dialog speaks for itself.
    if (dialogIsOpen() || requestConfig?.elt?.closest?.("[data-quiet]")) return;
    if (!xhr.getResponseHeader("HX-Trigger")) show({ text: wordsFor(xhr), tone: "bad" });
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      if (dialogIsOpen() || event.detail.requestConfig?.elt?.closest?.("[data-quiet]")) return;
      show({ text: words.offline, tone: "bad" });
    });
  }
}
