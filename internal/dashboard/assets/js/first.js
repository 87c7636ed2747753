// Applies the kept theme before anything is drawn, so that a dark page does not begin white.
(() => {
  try {
    const kept = localStorage.getItem('officer-theme');
    if (kept === 'light' || kept === 'dark') document.documentElement.dataset.theme = kept;
  } catch {
    // A browser that keeps nothing shows what the system says.
  }
})();
