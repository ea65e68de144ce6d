// SPDX-License-Identifier: Apache-2.0

/// What an operator lets users' addresses lead to although it is not public: blocks of addresses, and names.
///
/// A name vouches for whatever it resolves to, so it should be one whose zone the operator controls.
package struct AddressAllowList: Sendable, Hashable, CustomStringConvertible {
    private enum Entry: Sendable, Hashable {
        case block(AddressBlock)
        /// Lower case, without a dot at the end.
        case name(String)
        /// Lower case, with the dot at the start.
        case suffix(String)
    }

    /// Why an entry cannot be read.
    package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        /// The entry, as written.
        package let entry: String
        /// One sentence that names the entry and the way out.
        package let message: String

        /// The message.
        package var description: String { message }
    }

    private let entries: [Entry]

    /// Allows nothing beyond public addresses.
    package static let none = AddressAllowList(entries: [])

    private init(entries: [Entry]) { self.entries = entries }

    /// Reads entries, each a block (`10.0.0.0/8`, `fd00::/8`), an address, a host name (`hooks.internal`), or a
    /// domain whose names are all allowed (`.internal`, which does not allow `internal` itself).
    package init(parsing entries: [String]) throws(Fault) {
        var read: [Entry] = []
        for entry in entries { read.append(try Self.entry(entry)) }
        self.entries = read
    }

    /// Reads entries separated by commas or blanks; an empty text allows nothing.
    package init(parsing text: String) throws(Fault) {
        try self.init(parsing: text.split { $0 == "," || $0 == " " || $0 == "\t" || $0 == "\n" }.map(String.init))
    }

    /// Whether nothing is allowed.
    package var isEmpty: Bool { entries.isEmpty }

    /// The entries, separated by commas.
    package var description: String {
        entries.map { entry in
            switch entry {
            case .block(let block): block.description
            case .name(let name), .suffix(let name): name
            }
        }.joined(separator: ",")
    }

    /// Whether an address of 4 or 16 bytes lies in an allowed block.
    func allows(address: [UInt8]) -> Bool {
        entries.contains { entry in
            if case .block(let block) = entry { block.contains(address) } else { false }
        }
    }

    /// Whether a host is allowed by name; `host` is in lower case and has no dot at its end.
    func allows(host: String) -> Bool {
        entries.contains { entry in
            switch entry {
            case .block: false
            case .name(let name): host == name
            case .suffix(let suffix): host.hasSuffix(suffix) && host.utf8.count > suffix.utf8.count
            }
        }
    }

    // MARK: Reading

    private static func entry(_ entry: String) throws(Fault) -> Entry {
        func fault(_ reason: String) -> Fault { Fault(entry: entry, message: "\"\(entry)\" \(reason)") }
        // A colon is part of no name; a slash of none either.
        if entry.contains(":") || entry.contains("/") || AddressBlock.address(entry) != nil {
            return .block(try block(entry, fault))
        }
        var name = entry.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        let isSuffix = name.hasPrefix(".")
        let labels = name.dropFirst(isSuffix ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy(isLabel) else {
            throw fault("is neither an address, a block such as 10.0.0.0/8, nor a host name such as hooks.internal")
        }
        if let last = labels.last, last.utf8.allSatisfy({ (0x30...0x39).contains($0) }) || last.hasPrefix("0x") {
            throw fault("looks like an address but is none: write all four numbers, such as 10.0.0.5")
        }
        return isSuffix ? .suffix(name) : .name(name)
    }

    private static func block(_ entry: String, _ fault: (String) -> Fault) throws(Fault) -> AddressBlock {
        do throws(AddressBlock.Fault) {
            return try AddressBlock(parsing: entry)
        } catch {
            switch error {
            case .noAddress:
                throw fault("is no block of addresses: write it like 10.0.0.0/8 or fd00::/8, names without a port")
            case .prefixLength(let max):
                throw fault("has no prefix length of 0 to \(max) after the slash")
            case .surplusBits(let meant):
                throw fault("has bits set after its prefix: write \(meant), or the address without a slash")
            }
        }
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count)
            && label.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
            }
    }
}
