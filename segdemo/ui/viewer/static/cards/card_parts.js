// The parts of a card besides its image, each in a file of its own: {build, load, refresh, step}.
// `build` runs once for a card, `load` and `refresh` after each payload, and `step` whenever the
// threshold or what is shown has changed; each takes the viewer and the panel.

import { CLASS_PART } from "./classes.js";
import { EXPLAIN_PART } from "./explain.js";
import { SAVE_PART } from "./saving.js";
import { SCORE_PART } from "./scores.js";

export const CARD_PARTS = Object.freeze([CLASS_PART, SCORE_PART, EXPLAIN_PART, SAVE_PART]);
