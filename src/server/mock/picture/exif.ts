/** Where things stand in the block: its header, a directory that points to the other, and that one with the comment. */
const HEADER = 8
const DIRECTORY = 2 + 12 + 4
const COMMENT_AT = HEADER + 2 * DIRECTORY

const LONG = 4
const UNDEFINED = 7
const EXIF_DIRECTORY = 0x8769
const USER_COMMENT = 0x9286

/**
 * An EXIF block whose `UserComment` is a text: how SwarmUI keeps metadata in a JPG (reference 4.5), little-endian and in UTF-16 as
 * its library writes it. Begins as the segment of a JPEG does.
 */
export function exifComment(text: string): Buffer {
  const comment = Buffer.concat([Buffer.from('UNICODE\0'), Buffer.from(text, 'utf16le')])
  const header = Buffer.from([0x49, 0x49, 42, 0, HEADER, 0, 0, 0])
  const first = directory(EXIF_DIRECTORY, LONG, 1, HEADER + DIRECTORY)
  const second = directory(USER_COMMENT, UNDEFINED, comment.length, COMMENT_AT)
  return Buffer.concat([Buffer.from('Exif\0\0'), header, first, second, comment])
}

/** A directory with one entry, and none behind it. */
function directory(tag: number, type: number, count: number, value: number): Buffer {
  const bytes = Buffer.alloc(DIRECTORY)
  bytes.writeUInt16LE(1, 0)
  bytes.writeUInt16LE(tag, 2)
  bytes.writeUInt16LE(type, 4)
  bytes.writeUInt32LE(count, 6)
  bytes.writeUInt32LE(value, 10)
  return bytes
}
