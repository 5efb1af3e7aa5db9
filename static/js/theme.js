// Light, dark or the system's choice, remembered in this browser.
// A small blocking script in the head: the scheme is set before the first paint.
// It also marks the root as scripted, which shows .with-script and hides .without-script.
{
  const root = document.documentElement;
  const key = "theme";

  // Times are written by the server, in the zone of whoever reads them.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? "; secure" : "";
  if (zone && !document.cookie.includes(`zone=${zone}`))
    document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;

  const remembered = () => {
    try {
      return localStorage.getItem(key) ?? "system";
    } catch {
      return "system"; // storage may be forbidden
    }
  };

  const remember = (choice) => {
    try {
      localStorage.setItem(key, choice);
    } catch {
      // then it holds for this page only
    }
  };

  const apply = (choice) => {
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  };

  root.dataset.script = "";
  apply(remembered());
  document.addEventListener("DOMContentLoaded", () => apply(remembered()));
  addEventListener("storage", (event) => event.key === key && apply(remembered()));
  document.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-theme-choice]")?.dataset.themeChoice;
    if (!choice) return;
    remember(choice);
    apply(choice);
  });
}
