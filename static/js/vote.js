// Says under the vote's buttons that an answer did not arrive: htmx itself leaves the page as it is, without a word.
for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(name, ({ target }) => {
    const said = target.closest("#vote")?.querySelector("[data-failed]");
    if (said) said.textContent = said.dataset.failed;
  });
}
document.addEventListener("htmx:beforeRequest", ({ target }) => {
  const said = target.closest("#vote")?.querySelector("[data-failed]");
  if (said) said.textContent = "";
});
