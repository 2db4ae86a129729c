import fc from "fast-check";

/** The same examples each time: who has changed nothing sees nothing fail. `FUZZ_SEED=2 npm test` tries others. */
fc.configureGlobal({ seed: Number(process.env.FUZZ_SEED ?? 1) });
