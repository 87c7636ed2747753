/**
 * What changed, said to those who do not see it.
 * @module
 */

/**
 * announce has a screen reader say one sentence when it is done with what it says now.
 * @param {string} text
 */
export function announce(text) {
  const region = document.getElementById('announcer');
  if (!region) return;
  // The same sentence twice is only said when the region was empty between.
  region.textContent = '';
  window.requestAnimationFrame(() => {
    region.textContent = text;
  });
}
