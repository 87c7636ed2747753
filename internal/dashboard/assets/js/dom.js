/**
 * What the page shows is a function of what is known: views return light descriptions of
 * elements, and patch changes the document as little as needed, so that focus, scrolling
 * and open details stay. Text only ever becomes text nodes and attributes: names of
 * databases and words in events come from outside and are never read as HTML.
 * @module
 */

/**
 * @typedef {string | number | boolean | null | undefined} Value
 * @typedef {{tag: string, key: string | undefined, props: Props, children: Child[]}} VNode
 * @typedef {VNode | string} Child
 * @typedef {Child | number | false | null | undefined} Loose
 * @typedef {Record<string, any>} Props attributes; `on…` functions are listeners, `vars` are
 *   custom properties of CSS, `data` is given to an element of our own, `key` tells siblings apart, `ref` is called with the element
 *   after it was made
 * @typedef {{vnode: Child, node: Element | Text}} Shown
 */

const SVG = 'http://www.w3.org/2000/svg';

// These live as properties: the attribute is only what they began with.
const AS_PROPERTY = new Set(['value', 'checked', 'disabled', 'selected', 'indeterminate', 'open']);

/** @type {WeakMap<Node, Shown[]>} */
const shownIn = new WeakMap();
/** @type {WeakMap<Element, Record<string, (event: any) => void>>} */
const listenersOf = new WeakMap();

/**
 * h describes one element.
 * @param {string} tag
 * @param {Props | null} [props]
 * @param {...(Loose | Loose[])} children
 * @returns {VNode}
 */
export function h(tag, props, ...children) {
  const { key, ...rest } = props ?? {};
  return { tag, key: key === undefined ? undefined : String(key), props: rest, children: tidy(children) };
}

/**
 * @param {(Loose | Loose[])[]} loose
 * @returns {Child[]}
 */
function tidy(loose) {
  /** @type {Child[]} */
  const out = [];
  for (const child of /** @type {Loose[]} */ (loose.flat())) {
    if (child === null || child === undefined || child === false || child === '') continue;
    out.push(typeof child === 'object' ? child : String(child));
  }
  return out;
}

/**
 * patch makes the children of parent what is described.
 * @param {Element} parent
 * @param {...(Loose | Loose[])} children
 */
export function patch(parent, ...children) {
  patchChildren(parent, tidy(children));
}

/**
 * @param {Element} parent
 * @param {Child[]} next
 */
function patchChildren(parent, next) {
  const before = shownIn.get(parent) ?? [];
  /** @type {Map<string, Shown>} */
  const keyed = new Map();
  /** @type {Shown[]} */
  const loose = [];
  for (const shown of before) {
    const key = keyOf(shown.vnode);
    if (key === undefined) loose.push(shown);
    else keyed.set(key, shown);
  }
  /** @type {Shown[]} */
  const after = [];
  let at = 0;
  for (const vnode of next) {
    const key = keyOf(vnode);
    /** @type {Shown | undefined} */
    let old;
    if (key !== undefined) {
      old = keyed.get(key);
      if (old && !alike(old.vnode, vnode)) old = undefined;
      else keyed.delete(key);
    } else if (at < loose.length && alike(loose[at].vnode, vnode)) {
      old = loose[at++];
    }
    after.push({ vnode, node: old ? renew(old, vnode) : make(vnode, parent) });
  }
  const kept = new Set(after.map((shown) => shown.node));
  for (const shown of before) if (!kept.has(shown.node)) shown.node.remove();
  const focused = document.activeElement;
  let place = parent.firstChild;
  for (const { node } of after) {
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  // Moving an element takes the focus from it.
  if (focused !== document.activeElement && focused instanceof HTMLElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
  shownIn.set(parent, after);
}

/** @param {Child} vnode */
function keyOf(vnode) {
  return typeof vnode === 'string' ? undefined : vnode.key;
}

/**
 * @param {Child} a
 * @param {Child} b
 */
function alike(a, b) {
  if (typeof a === 'string' || typeof b === 'string') return typeof a === typeof b;
  return a.tag === b.tag;
}

/**
 * @param {Shown} old
 * @param {Child} vnode
 */
function renew(old, vnode) {
  if (typeof vnode === 'string') {
    if (old.vnode !== vnode) old.node.nodeValue = vnode;
  } else {
    const element = /** @type {Element} */ (old.node);
    setProps(element, /** @type {VNode} */ (old.vnode).props, vnode.props);
    if (!('data' in vnode.props)) patchChildren(element, vnode.children); // else it draws itself
  }
  return old.node;
}

/**
 * @param {Child} vnode
 * @param {Element} parent
 * @returns {Element | Text}
 */
function make(vnode, parent) {
  if (typeof vnode === 'string') return document.createTextNode(vnode);
  const drawing = vnode.tag === 'svg' || (parent.namespaceURI === SVG && parent.tagName !== 'foreignObject');
  const element = drawing ? document.createElementNS(SVG, vnode.tag) : document.createElement(vnode.tag);
  patchChildren(element, vnode.children);
  setProps(element, {}, vnode.props); // after its children: the value of a select needs its options
  vnode.props.ref?.(element);
  return element;
}

/**
 * @param {Element} element
 * @param {Props} before
 * @param {Props} after
 */
function setProps(element, before, after) {
  for (const name of Object.keys(before)) if (!(name in after)) setProp(element, name, undefined, before[name]);
  for (const [name, value] of Object.entries(after)) setProp(element, name, value, before[name]);
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {any} value
 * @param {any} before
 */
function setProp(element, name, value, before) {
  if (name === 'ref') return;
  if (name === 'vars') return setVars(/** @type {HTMLElement} */ (element), before ?? {}, value ?? {});
  if (name === 'data') {
    /** @type {any} */ (element).data = value; // what an element of the page's own draws
    return;
  }
  if (name.startsWith('on')) return listen(element, name.slice(2), value);
  if (AS_PROPERTY.has(name) && name in element) {
    // Compared with what is there: a person may have changed it since.
    const target = /** @type {any} */ (element);
    const wanted = value ?? (name === 'value' ? '' : false);
    if (value === undefined && before === undefined) return;
    if (target[name] !== wanted) target[name] = wanted;
    return;
  }
  if (value === before) return;
  if (value === undefined || value === null || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

/**
 * Custom properties are set through the object model, which a strict
 * content security policy allows; a style attribute it would not.
 * @param {HTMLElement | SVGElement} element
 * @param {Record<string, string>} before
 * @param {Record<string, string>} after
 */
function setVars(element, before, after) {
  for (const name of Object.keys(before)) if (!(name in after)) element.style.removeProperty(name);
  for (const [name, value] of Object.entries(after)) if (before[name] !== value) element.style.setProperty(name, value);
}

/**
 * @param {Element} element
 * @param {string} type
 * @param {((event: any) => void) | undefined} listener
 */
function listen(element, type, listener) {
  let all = listenersOf.get(element);
  if (!all) listenersOf.set(element, (all = {}));
  if (!(type in all)) element.addEventListener(type, (event) => listenersOf.get(element)?.[type]?.(event));
  if (listener) all[type] = listener;
  else all[type] = () => {};
}
