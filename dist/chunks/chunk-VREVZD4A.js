import {createRequire as __createRequire} from 'node:module';import {fileURLToPath as __fileURLToPath} from 'node:url';const require = __createRequire(import.meta.url);const __filename = __fileURLToPath(import.meta.url), __dirname = __fileURLToPath(new URL('.', import.meta.url))
import{b as r,c as i}from"./chunk-53HFHGDK.js";var o=i((p,e)=>{e.exports=r("node:http")});export{o as a};
