// Before the first paint: the theme that was chosen in this browser, so that nothing flashes.
try {
  const chosen = JSON.parse(localStorage.getItem("haremq.theme") ?? "null");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // A private window keeps nothing: the theme follows the system.
}
