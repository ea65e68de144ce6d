// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// Names a checkpoint of a part of a shard.
package struct SegmentKey: Hashable, Sendable {
    /// The part.
    package var shard: ShardKey
    /// The claim under which it was written.
    package var epoch: Int32
    /// Its place among the checkpoints of that claim.
    package var sequence: Int32

    /// Names a checkpoint.
    package init(shard: ShardKey, epoch: Int32, sequence: Int32) {
        self.shard = shard
        self.epoch = epoch
        self.sequence = sequence
    }
}

/// Checkpoints with outcomes that somebody waits for, as notifications carry them: `BATCH SHARD.PART.EPOCH.SEQ …;…`.
package struct LiveNews: Hashable, Sendable {
    /// The checkpoints.
    package let segments: [SegmentKey]

    /// Longest payload: PostgreSQL takes less than 8,000 bytes.
    private static let payloadBytesMax = 7_900

    /// News of these checkpoints.
    package init(_ segments: [SegmentKey]) {
        self.segments = segments
    }

    /// The news of a payload; what cannot be read is left out, because rows are the truth.
    package init(payload: String) {
        var segments: [SegmentKey] = []
        for group in payload.split(separator: ";") {
            let words = group.split(separator: " ")
            guard let batch = words.first else { continue }
            for word in words.dropFirst() {
                let numbers = word.split(separator: ".").compactMap { Int32($0) }
                guard numbers.count == 4 else { continue }
                let shard = ShardKey(batch: BatchID(rawValue: String(batch)), number: numbers[0], part: numbers[1])
                segments.append(SegmentKey(shard: shard, epoch: numbers[2], sequence: numbers[3]))
            }
        }
        self.segments = segments
    }

    /// As few payloads as hold all of it.
    package var payloads: [String] {
        var payloads: [String] = []
        var text = ""
        var batch: BatchID?
        for segment in segments {
            let (shard, name) = (segment.shard, segment.shard.batch.rawValue)
            let word = " \(shard.number).\(shard.part).\(segment.epoch).\(segment.sequence)"
            if text.utf8.count + name.utf8.count + word.utf8.count + 1 > Self.payloadBytesMax {
                payloads.append(text)
                (text, batch) = ("", nil)
            }
            if shard.batch != batch {
                text += (text.isEmpty ? "" : ";") + name
                batch = shard.batch
            }
            text += word
        }
        return text.isEmpty ? payloads : payloads + [text]
    }
}
