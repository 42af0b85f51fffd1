'use strict'
/* Stands in a bundle for a module that is loaded there and never used. */
const leftOut = () => {
  throw new Error('This was left out of the bundle.')
}

module.exports = new Proxy(leftOut, {get: (_, name) => (name === '__esModule' ? undefined : leftOut)})
