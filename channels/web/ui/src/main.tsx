// The page begins here, and nothing else happens here: see build.mjs, `wholeCore`.
import './core';
