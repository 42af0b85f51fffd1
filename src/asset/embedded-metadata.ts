import readExif from 'exif-reader'
import {jpegSegments, pngChunks, webpChunks} from './image.ts'

const PNG_KEYWORD = 'parameters\0'
const APP1 = 0xffe1
/** As much as fits into a segment of a JPEG. */
const MAX_EXIF_BYTES = 64 * 1024

/**
 * The text that SwarmUI wrote into a picture about its making: in a PNG the `tEXt` chunk `parameters` (recordings 02 and 11), in JPG
 * and WEBP the EXIF tag `UserComment` (reference 4.5). `undefined` where there is none; throws whatever reading a damaged file
 * comes to.
 */
export function embeddedMetadata(buffer: Buffer): string | undefined {
  if (buffer.toString('latin1', 1, 4) === 'PNG') return inPng(buffer)
  const exif = buffer.toString('latin1', 0, 4) === 'RIFF' ? exifInWebp(buffer) : exifInJpeg(buffer)
  if (!exif || exif.length > MAX_EXIF_BYTES) return undefined
  const comment = readExif(exif).Photo?.UserComment
  return comment && decodeComment(comment)
}

function inPng(buffer: Buffer): string | undefined {
  const chunk = pngChunks(buffer).find(
    ({type, body}) => type === 'tEXt' && body.toString('latin1', 0, PNG_KEYWORD.length) === PNG_KEYWORD,
  )
  return chunk?.body.toString('latin1', PNG_KEYWORD.length)
}

function exifInJpeg(buffer: Buffer): Buffer | undefined {
  return jpegSegments(buffer).find(({marker, body}) => marker === APP1 && body.toString('latin1', 0, 6) === 'Exif\0\0')
    ?.body
}

function exifInWebp(buffer: Buffer): Buffer | undefined {
  return webpChunks(buffer).find(({type}) => type === 'EXIF')?.body
}

/** The first eight bytes name the encoding (EXIF 2.3, 4.6.5). SwarmUI writes UTF-16; some editors turn its bytes around. */
function decodeComment(comment: Buffer): string {
  const encoding = comment.toString('latin1', 0, 8)
  const text = comment.subarray(8)
  if (encoding !== 'UNICODE\0') return text.toString('utf8')
  return text[0] === 0 ? new TextDecoder('utf-16be').decode(text) : text.toString('utf16le')
}
