// SPDX-License-Identifier: Apache-2.0

/// Which open containers are objects, one bit each; grows by whole words, so its size is `depthMax` / 8 bytes.
private struct ContainerStack {
    /// The innermost 64 containers, lowest bit innermost; 1 means object.
    private var word: UInt64 = 0
    /// Words of the containers further out.
    private var outer: [UInt64] = []
    /// How many containers are open.
    private(set) var count = 0

    /// True when the innermost open container is an object.
    var isObject: Bool { word & 1 == 1 }

    /// Opens a container.
    @inline(__always)
    mutating func push(isObject: Bool) {
        if count & 63 == 0, count > 0 {
            outer.append(word)
            word = 0
        }
        word = word << 1 | (isObject ? 1 : 0)
        count &+= 1
    }

    /// Closes the innermost container.
    @inline(__always)
    mutating func pop() {
        count &-= 1
        word >>= 1
        if count & 63 == 0, let previous = outer.popLast() {
            word = previous
        }
    }
}

extension JSONScanner {
    /// Validates the value that starts exactly at `offset` and returns the offset behind it.
    func skipValue(from offset: Int) throws(JSONFault) -> Int {
        var at = offset
        var open = ContainerStack()
        while true {
            guard at < end else { throw JSONFault(.unexpectedEnd, at: at) }
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") {
                at = try skipString(from: at)
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                guard depth &+ open.count < depthMax else { throw JSONFault(.tooDeep(depthMax), at: at) }
                let isObject = byte == UInt8(ascii: "{")
                at = skipSpace(from: at &+ 1)
                // '}' and ']' follow their opening bracket at a distance of two in ASCII.
                if at < end, bytes[at] == byte &+ 2 {
                    at &+= 1
                } else {
                    open.push(isObject: isObject)
                    if isObject { at = try skipKey(from: at) }
                    continue
                }
            } else {
                at = try skipScalar(from: at)
            }
            if try closeContainers(&open, &at) { return at }
        }
    }

    /// Reads what may follow a value: closing brackets, then a comma and, in an object, the next key. True when the
    /// outermost container is closed and the whole value read; false with `at` on the next value.
    @inline(__always)
    private func closeContainers(_ open: inout ContainerStack, _ at: inout Int) throws(JSONFault) -> Bool {
        while open.count > 0 {
            at = skipSpace(from: at)
            guard at < end else { throw JSONFault(.unexpectedEnd, at: at) }
            let byte = bytes[at]
            if byte == UInt8(ascii: ",") {
                at = skipSpace(from: at &+ 1)
                if open.isObject { at = try skipKey(from: at) }
                return false
            }
            guard byte == (open.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { throw unexpected(at: at) }
            at &+= 1
            open.pop()
        }
        return true
    }

    /// Reads `"key" :` and the white space around the colon; returns where the value starts.
    @inline(__always)
    private func skipKey(from offset: Int) throws(JSONFault) -> Int {
        try expect("\"", at: offset)
        let colon = skipSpace(from: try skipString(from: offset))
        try expect(":", at: colon)
        return skipSpace(from: colon &+ 1)
    }

    /// Reads a number, `true`, `false` or `null`.
    @inline(__always)
    private func skipScalar(from offset: Int) throws(JSONFault) -> Int {
        switch bytes[offset] {
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try skipNumber(from: offset)
        case UInt8(ascii: "t"): return try skipWord("true", from: offset)
        case UInt8(ascii: "f"): return try skipWord("false", from: offset)
        case UInt8(ascii: "n"): return try skipWord("null", from: offset)
        default: throw unexpected(at: offset)
        }
    }

    /// Reads exactly the letters of `word`.
    private func skipWord(_ word: StaticString, from offset: Int) throws(JSONFault) -> Int {
        for index in 0..<word.utf8CodeUnitCount {
            guard offset &+ index < end, bytes[offset &+ index] == word.utf8Start[index] else {
                throw unexpected(at: offset &+ index)
            }
        }
        return offset &+ word.utf8CodeUnitCount
    }

    /// Reads a number by the grammar of RFC 8259 section 6; its magnitude is nobody's business here.
    private func skipNumber(from offset: Int) throws(JSONFault) -> Int {
        var at = offset
        if bytes[at] == UInt8(ascii: "-") { at &+= 1 }
        let digits = at
        at = skipDigits(from: at)
        guard at > digits, at == digits &+ 1 || bytes[digits] != UInt8(ascii: "0") else {
            throw at == end && at == digits
                ? JSONFault(.unexpectedEnd, at: at) : JSONFault(.badNumber, at: at == digits ? at : digits)
        }
        if at < end, bytes[at] == UInt8(ascii: ".") {
            at = try requireDigits(from: at &+ 1)
        }
        if at < end, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at &+= 1
            if at < end, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at &+= 1 }
            at = try requireDigits(from: at)
        }
        return at
    }

    /// The first offset at or after `offset` that holds no decimal digit.
    @inline(__always)
    private func skipDigits(from offset: Int) -> Int {
        var at = offset
        while at < end, bytes[at] &- UInt8(ascii: "0") <= 9 { at &+= 1 }
        return at
    }

    /// Like `skipDigits`, but at least one digit has to be there.
    @inline(__always)
    private func requireDigits(from offset: Int) throws(JSONFault) -> Int {
        let at = skipDigits(from: offset)
        guard at > offset else {
            throw at == end ? JSONFault(.unexpectedEnd, at: at) : JSONFault(.badNumber, at: at)
        }
        return at
    }
}
