// Without this file everything works: pages that wait then reload every five seconds.
"use strict";
const waiting = document.querySelector("[data-wait]");
if (waiting) {
  const ask = async () => {
    try {
      const answer = await fetch(waiting.dataset.wait, { credentials: "same-origin" });
      const told = await answer.json();
      if (told.settled) return location.reload();
    } catch { /* the site is away for a moment; ask again */ }
    setTimeout(ask, 1500);
  };
  setTimeout(ask, 700);
}
for (const form of document.querySelectorAll("form.filters")) {
  form.addEventListener("change", () => form.requestSubmit());
}
