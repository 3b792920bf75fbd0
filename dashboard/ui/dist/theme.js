"use strict";
(() => {
  // src/lib/theme.ts
  var key = "perdure.theme";
  function initialTheme() {
    const stored = read(key);
    return stored === "light" || stored === "dark" ? stored : "system";
  }
  function read(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  }

  // src/theme.ts
  document.documentElement.dataset["theme"] = initialTheme();
})();
