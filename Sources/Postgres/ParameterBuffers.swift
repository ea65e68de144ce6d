// SPDX-License-Identifier: Apache-2.0

/// Lays parameters out the way PQsendQueryParams wants them.
enum ParameterBuffers {
    /// Object ids, values, lengths and formats, valid during the call.
    typealias Body<T> = (
        _ types: [UInt32], _ values: [UnsafePointer<CChar>?], _ lengths: [Int32], _ formats: [Int32]
    ) -> T

    /// Small values are gathered in one buffer; bytea parameters are passed in place, without a copy.
    static func withBuffers<T>(_ parameters: [Query.Parameter], _ body: Body<T>) -> T {
        // One byte in front: even an empty value needs an address, since nil means NULL.
        var gathered: [UInt8] = [0]
        var offsets: [Int] = []
        var lengths: [Int32] = []
        for parameter in parameters {
            offsets.append(gathered.count)
            switch parameter.content {
            case .null: lengths.append(0)
            case .fixed(let value, let size):
                withUnsafeBytes(of: value.bigEndian) { gathered.append(contentsOf: $0.suffix(size)) }
                lengths.append(Int32(size))
            case .text(let text):
                gathered.append(contentsOf: text.utf8)
                lengths.append(Int32(clamping: gathered.count - offsets[offsets.count - 1]))
            case .bytes(let slice): lengths.append(Int32(clamping: slice.count))
            }
        }
        return gathered.withUnsafeBytes { buffer in
            let base = buffer.bindMemory(to: CChar.self).baseAddress
            var values: [UnsafePointer<CChar>?] = zip(parameters, offsets).map { parameter, offset in
                if case .null = parameter.content { return nil }
                // An empty value at the very end points behind the buffer, which is never read.
                return base.map { $0 + offset }
            }
            return pin(parameters[...], &values) { values in
                body(parameters.map(\.type.rawValue), values, lengths, [Int32](repeating: 1, count: lengths.count))
            }
        }
    }

    private static func pin<T>(
        _ parameters: ArraySlice<Query.Parameter>, _ values: inout [UnsafePointer<CChar>?],
        _ body: ([UnsafePointer<CChar>?]) -> T
    ) -> T {
        for index in parameters.indices {
            guard case .bytes(let slice) = parameters[index].content, !slice.isEmpty else { continue }
            return slice.withUnsafeBytes { bytes in
                values[index] = bytes.bindMemory(to: CChar.self).baseAddress
                return pin(parameters[(index + 1)...], &values, body)
            }
        }
        return body(values)
    }
}
