#!/usr/bin/env node
import {enableCompileCache} from 'node:module'

enableCompileCache()
const {main} = await import('../lib/main.js')
await main(import.meta.url)
