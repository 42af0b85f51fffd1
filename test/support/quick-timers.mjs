// Time runs a hundred times faster for what waits longer than a moment: retries of libraries that give no way to set their pauses.
const {setTimeout: original} = globalThis
globalThis.setTimeout = Object.assign(
  (work, ms, ...rest) => original(work, ms >= 500 ? ms / 100 : ms, ...rest),
  original,
)
