// SPDX-License-Identifier: Apache-2.0

/// A text is not a value of its setting; says what would be.
struct SettingFault: Error, Hashable, CustomStringConvertible {
    /// Such as `must be a whole number of 0…65535`.
    let description: String

    /// A fault in these words.
    init(_ description: String) {
        self.description = description
    }
}

/// Everything that is wrong with the settings, at once.
struct SettingsError: Error, Hashable, CustomStringConvertible {
    /// One line each: the setting, where it was set, what would be right.
    let problems: [String]

    /// What a coordinator says that does not know where files are.
    static let noVault =
        "vault.directory is not set: name a directory that all coordinators share (--vault, "
        + "SHARDLINE_VAULT_DIRECTORY), or a bucket (vault.s3.bucket)"

    /// The problems, one per line.
    var description: String { problems.joined(separator: "\n") }
}
