// Small habits of forms: data-submit-on-change sends a form when a choice is made; the summary of
// errors gets the focus; data-indeterminate ticks stand half.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submit-on-change]");
  if (form) form.requestSubmit();
});

document.querySelector("main [data-form-errors]")?.focus();

for (const box of document.querySelectorAll("[data-indeterminate]")) box.indeterminate = true;
