'use strict'
/* oclif asks it which shell its user has, on Windows by starting PowerShell. Nothing here needs to know. */
module.exports = {isWsl: false}
