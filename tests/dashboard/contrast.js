// Every visible text of the page with the contrast between it and what lies under it, as WCAG 2.2 counts it.
// Given to the browser as one function; gives [{text, ratio, colour, ground}] of those below the least ratio asked for.
(least) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((part, at) => part * a + under[at] * (1 - a));
  const luminance = (colour) => {
    const [r, g, b] = colour.map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const chain = (element) => (element ? [...chain(element.parentElement), element] : []);
  const ground = (element) =>
    chain(element).reduce((under, one) => over(rgba(getComputedStyle(one).backgroundColor), under), [255, 255, 255]);
  const opacity = (element) => chain(element).reduce((all, one) => all * Number(getComputedStyle(one).opacity), 1);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    if (
      !text ||
      !element.checkVisibility({ visibilityProperty: true }) ||
      element.closest(".visually-hidden, .skip, script, option")
    )
      continue;
    const under = ground(element);
    const [r, g, b, a] = rgba(getComputedStyle(element).color);
    const shown = over([r, g, b, a * opacity(element)], under);
    const [high, low] = [luminance(shown), luminance(under)].sort((one, other) => other - one);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < least)
      found.push({
        text: text.slice(0, 60),
        ratio: ratio.toFixed(2),
        colour: shown.map(Math.round).join(),
        ground: under.map(Math.round).join(),
      });
  }
  return found;
};
