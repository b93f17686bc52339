// Elements without markup: text only ever enters as text.

const SVG = "http://www.w3.org/2000/svg";

/** An element of a picture with these attributes. */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** An element with these properties and children; a string child is text, null and false are left out. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Makes `items` the list's children and moves as few elements as possible, so that a focused one keeps its focus. */
export function put(list, items) {
  const wanted = new Set(items);
  for (const item of [...list.children]) if (!wanted.has(item)) item.remove();
  let at = list.firstElementChild;
  for (const item of items) {
    if (item === at) at = at.nextElementSibling;
    else list.insertBefore(item, at);
  }
}

/**
 * Makes `shown` the same as `wanted` where the two differ, and leaves the rest: what somebody points at, presses or has
 * focused stays. For elements without listeners.
 */
export function morph(shown, wanted) {
  if (shown.isEqualNode(wanted)) return;
  if (shown.nodeName !== wanted.nodeName) return void shown.replaceWith(wanted);
  if (shown.nodeType === Node.TEXT_NODE) return void (shown.data = wanted.data);
  // The reader opens and closes details.
  const isKept = (name) => name === "open" && shown.nodeName === "DETAILS";
  for (const { name } of [...shown.attributes])
    if (!wanted.hasAttribute(name) && !isKept(name)) shown.removeAttribute(name);
  for (const { name, value } of wanted.attributes) shown.setAttribute(name, value);
  const children = [...wanted.childNodes];
  for (const child of [...shown.childNodes].slice(children.length)) child.remove();
  children.forEach((child, at) => {
    const place = shown.childNodes[at];
    if (place) morph(place, child);
    else shown.append(child);
  });
}

/** As `morph`, for a list's items, which `key` identifies. */
export function morphItems(list, items, key) {
  const known = new Map([...list.children].map((item) => [key(item), item]));
  const kept = items.map((item) => {
    const shown = known.get(key(item));
    if (shown && shown !== item) morph(shown, item);
    return shown ?? item;
  });
  put(list, kept);
}

/** The page's own element with this id, which index.html has. */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no element #${id}`);
  return found;
}

/** Announces a text to screen readers. */
export function announce(text) {
  byId("live").textContent = text;
}

/** Waits until changes are painted; a hidden tab paints nothing. */
export const painted = () =>
  new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    if (document.visibilityState === "hidden") setTimeout(resolve);
  });
