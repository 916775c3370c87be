/** Runs before the page's own scripts: notes what should not happen, and when rows are there. */
const watched = { violations: [], errors: [], longTasksMs: [], firstRowMs: null };
globalThis.watched = watched;

addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) => {
  watched.violations.push(`${effectiveDirective} ${blockedURI} ${sample}`);
});
addEventListener("error", ({ message }) => watched.errors.push(message));
addEventListener("unhandledrejection", ({ reason }) => watched.errors.push(String(reason)));
new PerformanceObserver((list) => {
  watched.longTasksMs.push(...list.getEntries().map(({ duration }) => duration));
}).observe({ type: "longtask", buffered: true });

(function lookForRow() {
  if (document.querySelector("#grid-body [role=row]")) watched.firstRowMs = performance.now();
  else requestAnimationFrame(lookForRow);
})();
