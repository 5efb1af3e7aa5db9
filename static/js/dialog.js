// One <dialog> for the whole page. <a href="…" data-dialog> is fetched into it; without script the
// same link opens the same form as a page. <form method="get" data-dialog> likewise: its fields are
// posted to its button's formaction, for they may be more than an address holds. Forms inside are sent by htmx to their own action:
// 422 swaps the form with its errors; HX-Trigger "close-dialog" closes; trouble keeps what was typed.
// data-open="<id>" opens a dialog that is on the page; data-dialog-close closes the one around it.
const frame = document.querySelector("[data-dialog-frame]");
const content = document.getElementById("dialog-content");
const problem = document.querySelector("[data-dialog-problem]");
const toasts = document.querySelector("[data-toasts]")?.dataset ?? {};
let opener = null;
let address = "";

const plainClick = (event) =>
  event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);

const dirty = (dialog) =>
  [...dialog.querySelectorAll("input, select, textarea")].some((field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.options) return [...field.options].some((o) => o.selected !== o.defaultSelected);
    return field.type !== "hidden" && field.value !== field.defaultValue;
  });

const say = (text) => {
  problem.textContent = text ?? "";
  problem.hidden = !text;
};

// Where the focus goes back to: the opener, or what replaced it, or the page.
const giveBackFocus = () => {
  const again = opener?.isConnected ? opener : opener?.id && document.getElementById(opener.id);
  (again?.checkVisibility() ? again : document.getElementById("main"))?.focus();
  opener = null;
};

// Slower than a third of a second: say that something is coming.
const wait = () => {
  if (frame.open) return;
  const note = document.createElement("p");
  note.className = "dialog-wait muted";
  note.setAttribute("role", "status");
  note.textContent = toasts.loading;
  content.replaceChildren(note);
  frame.removeAttribute("aria-labelledby");
  frame.setAttribute("aria-label", toasts.loading);
  frame.showModal();
};

const load = (link, method, values) => {
  // The second half of a double click: what it would bring takes the place of a form in use.
  if (link.hasAttribute("aria-busy")) return;
  // A link in a menu vanishes with it; the menu's button is then what was left behind.
  const menu = link.closest("[popover]");
  opener = menu ? (menu.menuButton ?? document.activeElement) : link;
  link.setAttribute("aria-busy", "true");
  const timer = setTimeout(wait, 300);
  window.htmx
    .ajax(method, address, { source: frame, target: content, swap: "innerHTML", values })
    .catch(() => {}) // said by the listeners below
    .finally(() => {
      clearTimeout(timer);
      link.removeAttribute("aria-busy");
      content.querySelector(".dialog-wait")?.remove();
    });
};

const focusIn = () => {
  const target =
    content.querySelector("[aria-invalid='true']") ??
    content.querySelector("[autofocus]") ??
    content.querySelector("[data-form-errors]") ??
    content.querySelector("input:not([type=hidden]), select, textarea, .btn-primary, .btn-danger");
  // Of a group of choices the chosen one: the next key must not choose another by itself.
  const chosen = target?.type === "radio" && content.querySelector(`[name="${CSS.escape(target.name)}"]:checked`);
  (chosen || target)?.focus();
};

// Before htmx looks at the new content: send its forms by htmx, without the author's help.
const prepare = () => {
  for (const form of content.querySelectorAll("form[method='post']:not([hx-post])")) {
    form.setAttribute("hx-post", form.getAttribute("action") || address);
    form.setAttribute("hx-target", "#dialog-content");
    form.setAttribute("hx-swap", "innerHTML");
    form.setAttribute("hx-sync", "this:drop");
  }
  const title = content.querySelector("h1, h2");
  if (title) {
    title.id ||= "dialog-title";
    frame.removeAttribute("aria-label");
    frame.setAttribute("aria-labelledby", title.id);
  }
};

// After a sign-in elsewhere: the forms of this page may be sent, when somebody presses again.
const renew = (token) => {
  if (!token) return;
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = token;
  if (document.body.hasAttribute("hx-headers"))
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
};

const isPage = (text) => /^\s*<!doctype html/i.test(text ?? "");

if (frame) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (link && plainClick(event)) {
      event.preventDefault();
      address = link.href;
      load(link, "GET", {});
    }
    const closer = event.target.closest("[data-dialog-close]");
    const dialog = closer?.closest("dialog");
    if (dialog?.open) {
      event.preventDefault();
      dialog.close();
    }
  });

  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    // A button with a method of its own leads to a page.
    if (!form.matches("form[data-dialog]") || !submitter || submitter.hasAttribute("formmethod")) return;
    event.preventDefault();
    address = submitter.formAction;
    load(submitter, "POST", new FormData(form));
  });

  // A sign-in page (or any other whole page) instead of a part: go there.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (!isPage(xhr.responseText) || target === document.body || xhr.status >= 400) return;
    event.detail.shouldSwap = false;
    // Redirected: signed out meanwhile. Loading this page again leads back to it after the sign-in.
    if (xhr.responseURL !== new URL(event.detail.pathInfo.finalRequestPath, location).href) location.reload();
    else location.assign(xhr.responseURL);
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== content) return;
    say("");
    if (!content.textContent.trim()) return;
    prepare();
    if (!frame.open) frame.showModal();
    frame.scrollTop = 0;
    focusIn();
  });

  document.addEventListener("close-dialog", () => frame.open && frame.close());

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!frame.contains(event.detail.elt)) return;
    say("");
    frame.setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:afterRequest", () => frame.removeAttribute("aria-busy"));
  document.addEventListener("htmx:responseError", (event) => {
    if (!frame.open || !frame.contains(event.detail.elt)) return;
    const { xhr } = event.detail;
    renew(xhr.getResponseHeader("X-CSRF-Token"));
    const form = event.detail.elt.closest("form");
    // As a page: it leads to the sign-in, and from there back to this form as it is filled in.
    if (xhr.getResponseHeader("X-Refused") === "signed-out" && form) {
      form.action = new URL(form.getAttribute("hx-post") || address, location).href;
      return HTMLFormElement.prototype.submit.call(form);
    }
    const name = xhr.getResponseHeader("X-Refused") ?? { 403: "refused", 404: "gone" }[xhr.status] ?? "failed";
    return say(toasts[name] ?? toasts.failed);
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      if (frame.open && frame.contains(event.detail.elt)) say(toasts.offline);
    });
  }

  frame.addEventListener("close", () => {
    window.htmx.trigger(frame, "htmx:abort"); // a form that is still on its way to the screen
    content.replaceChildren();
    say("");
    giveBackFocus();
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-open]");
  if (button) document.getElementById(button.dataset.open)?.showModal();
});

// A click beside the dialog closes it, but never throws away what was typed.
let pressedOn = null;
document.addEventListener("pointerdown", (event) => (pressedOn = event.target));
document.addEventListener("click", (event) => {
  const dialog = event.target;
  if (!(dialog instanceof HTMLDialogElement) || pressedOn !== dialog || dirty(dialog)) return;
  const box = dialog.getBoundingClientRect();
  const inside =
    event.clientX >= box.left && event.clientX <= box.right &&
    event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside) dialog.close();
});
