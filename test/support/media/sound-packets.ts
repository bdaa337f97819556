// The packets of a file's sound, as FFmpeg's demuxer gives them.

import { fileURLToPath } from 'node:url';

import { AV_DISPOSITION_DEFAULT, AVMEDIA_TYPE_AUDIO } from 'node-av/constants';
import { avGetCodecName, FormatContext, Packet } from 'node-av/lib';

import { checked, gotOne } from '../../../workers/media/ffmpeg/checked.ts';

/** A file that make-sounds.py made. */
export function soundFile(name: string): string {
  return fileURLToPath(new URL(`./sounds/${name}`, import.meta.url));
}

export interface SoundPacket {
  /** Seconds, by the file's clock. */
  readonly begin: number;
  readonly end: number;
  /** As hex. */
  readonly bytes: string;
}

export interface SoundOfFile {
  readonly codec: string | null;
  readonly packets: readonly SoundPacket[];
  /** How long the container says that all of it is, in seconds. */
  readonly seconds: number;
}

/** Of the track marked as default, else of the first; undefined where there is none. */
export async function soundOfFile(path: string): Promise<SoundOfFile | undefined> {
  await using container = new FormatContext();
  checked(await container.openInput(path), 'opening');
  checked(await container.findStreamInfo(), 'looking');
  const tracks = container.streams.filter((one) => one.codecpar.codecType === AVMEDIA_TYPE_AUDIO);
  const isDefault = (one: (typeof tracks)[number]): boolean =>
    (one.disposition & AV_DISPOSITION_DEFAULT) !== 0;
  const track = tracks.find(isDefault) ?? tracks[0];
  if (track === undefined) return undefined;
  const { num, den } = track.timeBase;
  const packets: SoundPacket[] = [];
  using packet = new Packet();
  packet.alloc();
  while (gotOne(await container.readFrame(packet), 'reading')) {
    if (packet.streamIndex === track.index) {
      const begin = (Number(packet.pts) * num) / den;
      const end = begin + (Number(packet.duration) * num) / den;
      packets.push({ begin, end, bytes: packet.data?.toString('hex') ?? '' });
    }
    packet.unref();
  }
  const seconds = Number(container.duration) / 1e6;
  return { codec: avGetCodecName(track.codecpar.codecId), packets, seconds };
}
