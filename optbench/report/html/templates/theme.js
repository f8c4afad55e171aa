"use strict";

// The theme: as the system has it, until somebody chooses.
(function theme() {
  const themes = ["auto", "light", "dark"];
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const stored = () => {
    try {
      return localStorage.getItem("optbench-theme");
    } catch {
      return null; // some browsers keep no storage for files
    }
  };
  const show = (name) => {
    if (name === "auto") root.removeAttribute("data-theme");
    else root.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
    button.value = name;
  };
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(button.value) + 1) % themes.length];
    show(next);
    try {
      localStorage.setItem("optbench-theme", next);
    } catch {
      // the choice holds for this visit
    }
  });
  show(themes.includes(stored()) ? stored() : "auto");
  button.hidden = false;
})();
