// data-download on a link starts it by itself as soon as it is on the page, once a tab; the link
// stays for whoever wants the file again. The answer is an attachment, so the page stays too.
const start = (root) => {
  const link = root.matches?.("[data-download]") ? root : root.querySelector("[data-download]");
  if (!link) return;
  const key = `downloaded ${link.pathname}`;
  try {
    if (sessionStorage.getItem(key)) return;
    sessionStorage.setItem(key, "yes");
  } catch {
    return; // no memory: it would start on every reload, and the link is there
  }
  link.click();
};

start(document);
document.addEventListener("htmx:load", (event) => start(event.detail.elt));
