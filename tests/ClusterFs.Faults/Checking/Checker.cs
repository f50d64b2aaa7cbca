namespace ClusterFs.Faults.Checking;

/// <summary>Judges a run by its evidence alone.</summary>
internal static class Checker
{
    public static Verdict Judge(Evidence evidence)
    {
        var (fates, aboutRecords) = RecordRules.Check(evidence);
        return new Verdict(
            [
                .. WriterRules.Overlaps(evidence.Lives),
                .. WriterRules.SharedEpochs(evidence.Lives),
                .. aboutRecords,
                .. MoveRules.Check(evidence),
                .. EpochRules.Check(evidence),
                .. LivenessRules.Check(evidence),
            ],
            fates);
    }
}
