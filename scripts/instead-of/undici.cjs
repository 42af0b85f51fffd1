'use strict'
/*
 * What of undici is shipped: the pool with its `request`, and the connector. The whole of it (fetch, caches, mocks, proxies)
 * would be three times as much to load at each start. The parts are put together as undici's own index does it.
 */
const Dispatcher = require('undici/lib/dispatcher/dispatcher')
const api = require('undici/lib/api')

Object.assign(Dispatcher.prototype, api)

module.exports = {
  Pool: require('undici/lib/dispatcher/pool'),
  buildConnector: require('undici/lib/core/connect'),
}
