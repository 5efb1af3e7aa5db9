// The menu of a row. One popover per table is shared by all rows and filled when it is opened:
//   <a role="button" href="<user page>" id="…" data-menu="row-menu" data-menu-url="…" aria-expanded="false">
//   <div class="menu" id="row-menu" popover data-menu-panel></div>
// It hangs at its button by CSS anchor positioning, else by coordinates. Arrow keys, Home, End and an
// item's data-key work; Esc closes and gives the focus back. A live update may replace the button.
const anchored = CSS.supports("position-anchor: --menu-button");
const panels = () => document.querySelectorAll("[data-menu-panel]");
const current = () => [...panels()].find((panel) => panel.matches(":popover-open"));
const items = (panel) => [...panel.querySelectorAll(".menu-item:not([disabled])")];
let openOnPress = null;

const place = (panel, button) => {
  for (const other of document.querySelectorAll("[data-menu-anchor]")) {
    delete other.dataset.menuAnchor;
  }
  button.dataset.menuAnchor = "";
  // An attribute, not a style: htmx copies style attributes on a swap, which the CSP forbids.
  if (anchored) return;
  const box = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const below = box.bottom + height + 8 < innerHeight;
  Object.assign(panel.style, {
    position: "fixed",
    inset: "auto",
    margin: "0",
    left: `${Math.max(8, Math.min(box.right - width, innerWidth - width - 8))}px`,
    top: `${Math.max(8, below ? box.bottom + 4 : box.top - height - 4)}px`,
  });
};

const open = (button, byKeyboard) => {
  const panel = document.getElementById(button.dataset.menu);
  if (!panel) return;
  const url = button.dataset.menuUrl;
  panel.menuButton = button;
  panel.menuUrl = url;
  panel.byKeyboard = byKeyboard;
  panel.replaceChildren();
  button.setAttribute("aria-busy", "true");
  window.htmx
    .ajax("GET", url, { source: panel, target: panel, swap: "innerHTML" })
    .catch(() => {}) // toast.js has said it
    .finally(() => button.removeAttribute("aria-busy"));
};

const shown = (panel) => {
  if (!panel.menuButton || !panel.childElementCount) return;
  const button = panel.menuButton;
  if (!panel.matches(":popover-open")) panel.showPopover();
  place(panel, button);
  button.setAttribute("aria-expanded", "true");
  items(panel)[0]?.focus({ focusVisible: panel.byKeyboard });
};

// After a live update: hang on the button that took the old one's place.
const reattach = () => {
  const panel = current();
  if (!panel || panel.menuButton?.isConnected) return;
  const successor = panel.menuButton?.id && document.getElementById(panel.menuButton.id);
  if (!successor) return void panel.hidePopover();
  panel.menuButton = successor;
  successor.setAttribute("aria-expanded", "true");
  place(panel, successor);
};

const step = (panel, event) => {
  const list = items(panel);
  const at = list.indexOf(document.activeElement);
  const next = {
    ArrowDown: list[(at + 1) % list.length],
    ArrowUp: list[(at - 1 + list.length) % list.length],
    Home: list[0],
    End: list.at(-1),
  }[event.key];
  if (!next) return false;
  next.focus();
  return true;
};

document.addEventListener("pointerdown", (event) => {
  const button = event.target.closest("[data-menu-url]");
  openOnPress = button && current()?.menuButton === button ? button : null;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-menu-url]");
  if (button && event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey)) {
    event.preventDefault();
    if (openOnPress === button) current()?.hidePopover();
    else open(button, event.detail === 0);
    openOnPress = null;
    return;
  }
  const item = event.target.closest(".menu-item");
  const panel = item?.closest("[data-menu-panel]");
  // Let the item's own listeners run first: they may ask which button the menu belongs to.
  if (panel) setTimeout(() => panel.matches(":popover-open") && panel.hidePopover());
});

document.addEventListener("keydown", (event) => {
  const button = event.target.closest?.("[data-menu-url]");
  if (button && (event.key === " " || event.key === "ArrowDown")) {
    event.preventDefault();
    open(button, true);
    return;
  }
  const panel = current();
  if (!panel?.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const byKey = event.key.length === 1 && panel.querySelector(`[data-key="${CSS.escape(event.key.toUpperCase())}"]`);
  if (byKey) {
    event.preventDefault();
    byKey.click();
  } else if (step(panel, event)) {
    event.preventDefault();
  }
});

// Coordinates do not follow the page.
if (!anchored) addEventListener("scroll", () => current()?.hidePopover(), { passive: true });

// Popover events do not bubble, hence the capture.
document.addEventListener("beforetoggle", (event) => {
  const panel = event.target;
  if (!panel.matches?.("[data-menu-panel]") || event.newState !== "closed") return;
  panel.menuButton?.setAttribute("aria-expanded", "false");
  if (panel.contains(document.activeElement)) panel.menuButton?.focus();
}, true);

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  // Only the newest answer: another row's menu may have been asked for meanwhile.
  if (target?.matches?.("[data-menu-panel]") && requestConfig.path !== target.menuUrl) {
    event.detail.shouldSwap = false;
  }
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.matches("[data-menu-panel]")) shown(event.detail.target);
});
document.addEventListener("htmx:oobAfterSwap", reattach);
document.addEventListener("htmx:afterSettle", reattach);
