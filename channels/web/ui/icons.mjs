// The page's mark as PNG, for systems that take no SVG: drawn from src/favicon.svg, which has a
// rounded square and one line on it.
//
// A pixel is covered as far as its middle is inside, over a border one pixel wide: no other
// antialiasing is needed for shapes whose distance is known.
import { deflateSync } from 'node:zlib';

const SAFE = 0.8; // of a maskable icon: what no mask cuts (w3.org/TR/appmanifest, "Icon masks and safe zone")

function readMark(svg) {
  const attribute = (name) => new RegExp(`\\b${name}="([^"]+)"`).exec(svg)?.[1];
  const colour = (text) => {
    const digits = text.slice(1);
    const long = digits.length === 3 ? [...digits].map((d) => d + d).join('') : digits;
    return [0, 2, 4].map((i) => parseInt(long.slice(i, i + 2), 16));
  };
  const size = Number(attribute('viewBox').split(' ')[2]);
  const points = [];
  let x = 0;
  let y = 0;
  for (const [, step, rest] of attribute('d').matchAll(/([Mvhl])([^Mvhl]*)/g)) {
    const [a, b] = rest.match(/-?[\d.]+/g).map(Number);
    if (step === 'M') [x, y] = [a, b];
    else if (step === 'l') [x, y] = [x + a, y + b];
    else if (step === 'h') x += a;
    else y += a;
    points.push([x, y]);
  }
  return { size, points, radius: Number(attribute('rx')), half: Number(attribute('stroke-width')) / 2,
           back: colour(attribute('fill')), fore: colour(attribute('stroke')) };
}

function toLine(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

function toRoundSquare(x, y, size, radius) {
  const inner = size / 2 - radius;
  const qx = Math.abs(x - size / 2) - inner;
  const qy = Math.abs(y - size / 2) - inner;
  return Math.hypot(Math.max(qx, 0), Math.max(qy, 0)) + Math.min(Math.max(qx, qy), 0) - radius;
}

function pixels(mark, size, maskable) {
  const rows = Buffer.alloc(size * (size * 4 + 1)); // each row begins with its filter: none
  const scale = mark.size / size;
  const cover = (distance) => Math.min(1, Math.max(0, 0.5 - distance / scale));
  const shrunk = (v) => (maskable ? (v - mark.size / 2) / SAFE + mark.size / 2 : v);
  for (let py = 0; py < size; py++) {
    for (let px = 0; px < size; px++) {
      const [x, y] = [(px + 0.5) * scale, (py + 0.5) * scale];
      const at = py * (size * 4 + 1) + 1 + px * 4;
      const seen = maskable ? 1 : cover(toRoundSquare(x, y, mark.size, mark.radius));
      const near = Math.min(...mark.points.slice(1).map((end, i) => toLine(shrunk(x), shrunk(y), mark.points[i], end)));
      const line = cover(near - mark.half);
      for (let c = 0; c < 3; c++) rows[at + c] = Math.round(mark.back[c] + (mark.fore[c] - mark.back[c]) * line);
      rows[at + 3] = Math.round(seen * 255);
    }
  }
  return rows;
}

const CRC = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});
const crc32 = (bytes) => (bytes.reduce((c, b) => CRC[(c ^ b) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;

// PNG specification (w3.org/TR/png-3), sections 5.3 (chunks) and 11.2.1 (IHDR): 8 bits, colour type 6.
function chunk(type, data) {
  const whole = Buffer.alloc(data.length + 12);
  whole.writeUInt32BE(data.length, 0);
  whole.write(type, 4, 'latin1');
  data.copy(whole, 8);
  whole.writeUInt32BE(crc32(whole.subarray(4, data.length + 8)), data.length + 8);
  return whole;
}

export function icon(svg, size, maskable = false) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(pixels(readMark(svg), size, maskable), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
