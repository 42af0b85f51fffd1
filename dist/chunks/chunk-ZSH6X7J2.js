import {createRequire as __createRequire} from 'node:module';import {fileURLToPath as __fileURLToPath} from 'node:url';const require = __createRequire(import.meta.url);const __filename = __fileURLToPath(import.meta.url), __dirname = __fileURLToPath(new URL('.', import.meta.url))
var e=/^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/,r=["png","jpg","webp"];export{e as a,r as b};
