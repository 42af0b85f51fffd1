'use strict'
/* Stands in the action's bundle for the clients of GitHub's REST API, which the artifact library has for artifacts of other runs. */
const missing = () => {
  throw new Error('The action does not speak to the REST API.')
}

module.exports = {getOctokit: missing, Octokit: missing, requestLog: missing, retry: missing, defaults: missing}
