import {
  PNG_SIGNATURE, inflate, readGreyPng, unfilterGrey,
} from "../../segdemo/ui/viewer/static/arithmetic/png.js";
import { equal, noise, test, throws } from "./harness.js";



const GREY = noise(7 * 5, 9);

// Each row of a 7 x 5 map filtered in the way of its own number, 0 to 4, as PNG defines it.
function filteredGrey() {
  const at = (x, y) => (x < 0 || y < 0 ? 0 : GREY[y * 7 + x]);
  const guesses = [
    () => 0,
    (x, y) => at(x - 1, y),
    (x, y) => at(x, y - 1),
    (x, y) => Math.floor((at(x - 1, y) + at(x, y - 1)) / 2),
    (x, y) => {
      const [a, b, c] = [at(x - 1, y), at(x, y - 1), at(x - 1, y - 1)];
      const distances = [a, b, c].map((value) => Math.abs(a + b - c - value));
      return [a, b, c][distances.indexOf(Math.min(...distances))];
    },
  ];
  const raw = [];
  for (let y = 0; y < 5; y++) {
    raw.push(y);
    for (let x = 0; x < 7; x++) raw.push((at(x, y) - guesses[y](x, y)) & 255);
  }
  return Uint8Array.from(raw);
}

test("every filter of PNG is undone", () => {
  equal(unfilterGrey(filteredGrey(), 7, 5), GREY);
});

test("a file of another length than its header says is refused", () => {
  throws(() => unfilterGrey(filteredGrey(), 7, 4));
});

test("an unknown filter is refused", () => {
  throws(() => unfilterGrey(Uint8Array.of(5, 0), 1, 1));
});

test("a zlib stream is unpacked", async () => {
  const stream = new Blob([filteredGrey()]).stream().pipeThrough(new CompressionStream("deflate"));
  equal(await inflate(await new Response(stream).blob()), filteredGrey());
});

test("what is no grey PNG of eight bits is left to others", () => {
  const header = (depth, colour, interlace) => Uint8Array.of(...PNG_SIGNATURE, 0, 0, 0, 13,
    73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, depth, colour, 0, 0, interlace, 0, 0, 0, 0,
    0, 0, 0, 1, 73, 68, 65, 84, 0, 0, 0, 0, 0);
  equal(readGreyPng(header(8, 0, 0)).width, 1);
  for (const other of [header(16, 0, 0), header(8, 2, 0), header(8, 0, 1)]) {
    equal(readGreyPng(other), null);
  }
  equal(readGreyPng(header(8, 0, 0).subarray(0, 40)), null);
  equal(readGreyPng(Uint8Array.of(255, 216, 255)), null);
});
