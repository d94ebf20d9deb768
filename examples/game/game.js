// Lantern Bay: find what the sea has taken before the lamp burns down.
// Every picture comes from `assetgen build`; `?still` draws one quiet moment, for a screenshot.
import { loadAtlas } from "./atlas.js";

const TILE = 16;
const MAP = [
  "~~~~~~~~~~~~~~~~~~~~",
  "~~..~~~~~~~~...~~~~~",
  "~....,,,~~~..#..~~~~",
  "~..,,,,,,....##..~~~",
  "~.,,#,,,,,..,,#..~~~",
  "~.,##,,.,,,,,,,,..~~",
  "~~.,,,..,,#,,,,,..~~",
  "~~~.,,.~.,##,,,,,.~~",
  "~~..,..~~..,,,.,,.~~",
  "~..,,.~~~~...,..#.~~",
  "~..#..~~~~~~...~..~~",
  "~~...~~~~~~~~~~~~~~~",
  "~~~~~~~~~~~~~~~~~~~~",
];
const GROUND = { "~": "water", ".": "sand", ",": "grass", "#": "rock" };
const THINGS = [
  ["pickup-key", 3, 1], ["pickup-rope", 15, 2], ["pickup-shell", 3, 10], ["pickup-key", 16, 8],
  ["pickup-shell", 8, 5], ["pickup-rope", 12, 9], ["pickup-lamp-oil", 6, 3],
  ["pickup-lamp-oil", 13, 5],
];
const STEPS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  a: [-1, 0], d: [1, 0], w: [0, -1], s: [0, 1],
};
const SPEED = 64, BRIGHT = 92, DIM = 30, BURNS = 2.2; // pixels, and pixels a second

const still = new URLSearchParams(location.search).has("still");
const told = await (await fetch("built/assets.json")).json();
const atlas = await loadAtlas("built/sprites.json");

const title = document.querySelector("#title");
const { path, width, height, description } = told.assets.title;
Object.assign(title, { src: path, width, height, alt: description });

const canvas = document.querySelector("#game");
canvas.width = MAP[0].length * TILE;
canvas.height = MAP.length * TILE;
const context = canvas.getContext("2d");

const keeper = { x: 9 * TILE, y: 6 * TILE, way: "down", mirrored: false, walked: 0 };
const things = THINGS.map(([name, x, y]) => ({ name, x: x * TILE, y: y * TILE, found: false }));
let light = BRIGHT;
const held = new Set();
addEventListener("keydown", event => {
  if (!(event.key in STEPS)) return;
  held.add(event.key);
  event.preventDefault();
});
addEventListener("keyup", event => held.delete(event.key));
addEventListener("blur", () => held.clear());

const bag = document.querySelector("#bag");
for (const thing of things.filter(thing => thing.name !== "pickup-lamp-oil")) {
  thing.icon = atlas.show(thing.name);
  thing.icon.className = "sprite missing";
  bag.append(thing.icon);
}

function groundAt(x, y) {
  return GROUND[MAP[Math.floor(y / TILE)]?.[Math.floor(x / TILE)]] ?? "water";
}

function isFree(x, y) {
  // Her feet, not her hat.
  return [[4, 13], [11, 13], [4, 15], [11, 15]].every(([dx, dy]) =>
    ["sand", "grass"].includes(groundAt(x + dx, y + dy)));
}

function walk(seconds) {
  let [dx, dy] = [0, 0];
  for (const key of held) [dx, dy] = [dx + STEPS[key][0], dy + STEPS[key][1]];
  if (!dx && !dy) { keeper.walked = 0; return; }
  const far = SPEED * seconds / Math.hypot(dx, dy);
  if (isFree(keeper.x + dx * far, keeper.y)) keeper.x += dx * far;
  if (isFree(keeper.x, keeper.y + dy * far)) keeper.y += dy * far;
  keeper.way = dx ? "side" : dy < 0 ? "up" : "down";
  keeper.mirrored = dx > 0;
  keeper.walked += SPEED * seconds;
}

function collect() {
  for (const thing of things) {
    if (thing.found || Math.hypot(thing.x - keeper.x, thing.y - keeper.y) > 11) continue;
    thing.found = true;
    thing.icon?.classList.remove("missing");
    if (thing.name === "pickup-lamp-oil") light = BRIGHT;
  }
}

const isDay = () => things.every(thing => thing.found || !thing.icon);

function draw(now) {
  MAP.forEach((row, y) => [...row].forEach((mark, x) => {
    const kind = (x * 7 + y * 5 + x * y) % 3 ? "a" : "b";
    atlas.draw(context, `tile-${GROUND[mark]}-${kind}`, x * TILE, y * TILE);
  }));
  const sprites = things.filter(thing => !thing.found).map(thing => ({
    y: thing.y,
    draw: () => atlas.draw(context, thing.name, thing.x, thing.y + Math.sin(now / 300 + thing.x)),
  }));
  const steps = atlas.animations[`walk-${keeper.way}`];
  const frame = steps[Math.floor(keeper.walked / 8) % steps.length];
  sprites.push({
    y: keeper.y,
    draw: () => atlas.draw(context, frame, keeper.x - 2, keeper.y - 8, keeper.mirrored),
  });
  sprites.sort((one, other) => one.y - other.y).forEach(sprite => sprite.draw());
  if (!isDay()) darken(now);
}

function darken(now) {
  const [x, y] = [keeper.x + 8, keeper.y + 4];
  const flicker = still ? 0 : Math.sin(now / 90) + Math.sin(now / 230);
  const glow = context.createRadialGradient(x, y, light * 0.3, x, y, light + flicker);
  glow.addColorStop(0, "rgba(255, 190, 90, 0.10)");
  glow.addColorStop(0.6, "rgba(16, 30, 50, 0.45)");
  glow.addColorStop(1, "rgba(4, 12, 24, 0.80)");
  context.fillStyle = glow;
  context.fillRect(0, 0, canvas.width, canvas.height);
}

const FACES = { down: "keeper", side: "keeper-side", up: "keeper-back" };
const face = document.querySelector("#face");
const says = document.querySelector("#says");
let shown = "";

function tell() {
  if (shown !== keeper.way) atlas.show(FACES[shown = keeper.way], face);
  const left = things.filter(thing => thing.icon && !thing.found).length;
  const words = left === 0 ? "Day breaks over Lantern Bay."
    : light <= DIM ? "The lamp is nearly out. Oil!"
    : `${left} things are still out there.`;
  if (says.textContent !== words) says.textContent = words;
}

let before = performance.now();
function tick(now) {
  const seconds = Math.min(0.05, (now - before) / 1000);
  before = now;
  walk(seconds);
  collect();
  light = Math.max(DIM, light - BURNS * seconds);
  draw(now);
  tell();
  requestAnimationFrame(tick);
}

if (still) {
  things[4].found = true;
  things[4].icon.classList.remove("missing");
  Object.assign(keeper, { x: 10.5 * TILE, y: 4.6 * TILE, way: "side", mirrored: true, walked: 8 });
  light = BRIGHT * 1.25;
  draw(0);
  tell();
  document.body.dataset.ready = "";
} else {
  requestAnimationFrame(tick);
}
