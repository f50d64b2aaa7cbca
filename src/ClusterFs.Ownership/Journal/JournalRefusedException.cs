namespace ClusterFs.Ownership.Journal;

/// <summary>The journal's database answers, and cannot be trusted with ownership.</summary>
public sealed class JournalRefusedException(string message) : Exception(message);
