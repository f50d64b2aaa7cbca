using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Guard.State;
using ClusterFs.Lease.Holder;

namespace ClusterFs.Guard.Execution;

/// <summary>
/// Addresses that are part of a service's running here: on before it is let go, and off before anybody hears that it is dead, or at the latest
/// when it is killed.
/// </summary>
internal sealed partial class Executioner
{
    /// <summary>The exit code of a service that could not start here.</summary>
    private const int CannotStart = 1;

    /// <summary>Puts a service's addresses on, and says once why they are not, or null. Returns at once. Set before the executioner starts.</summary>
    public Action<string, long, ImmutableArray<FloatingAddress>, Action<string?>> PutOn { get; set; } = (_, _, _, done) => done(null);

    /// <summary>Takes a service's addresses off, and says once that they are gone. Returns at once. Set before the executioner starts.</summary>
    public Action<string, long, Action> TakeOff { get; set; } = (_, _, done) => done();

    /// <summary>For the record.</summary>
    public string[]? AddressesOf(string service) => AddressesOf(_wards[service].Service);

    private static string[]? AddressesOf(GuardedService service) =>
        service.Addresses.IsEmpty ? null : [.. service.Addresses.Select(floating => floating.Address.ToString())];

    /// <summary>What is to start has its addresses first; where it has not, they are asked for, and it is let go when they are on.</summary>
    private bool HasAddresses(Ward ward, Life life)
    {
        if (ward.Service.Addresses.IsEmpty)
        {
            return true;
        }

        if (life.Addresses == AddressStage.Off)
        {
            life.Addresses = AddressStage.Asked;
            PutOn(ward.Service.Name, life.Epoch, ward.Service.Addresses, problem => Post(() => AddressesAnswered(ward, life, problem)));
        }

        return life.Addresses == AddressStage.On;
    }

    private void AddressesAnswered(Ward ward, Life life, string? problem)
    {
        if (ward.Life != life || life.Addresses != AddressStage.Asked)
        {
            return;
        }

        if (problem is null)
        {
            life.Addresses = AddressStage.On;
            LetGo(ward, life);
            return;
        }

        // Another node may fare better; this one would fail again.
        _log.AddressesRefused(ward.Service.Name, life.Epoch, problem);
        if (ward.Attachment is not null)
        {
            ward.AttachmentWants = false;
            ward.Ended = CannotStart;
        }

        ward.StoodDown |= ward.StandsBy;
        Publish(ward);
        _tellHolder(new DrainRequested(ward.Service.Name, life.Epoch, TimeSpan.Zero, problem));
    }

    private void LetGo(Ward ward, Life life)
    {
        if (life is { IsStopping: false, Record: { Held: true } record })
        {
            LetHeldGo(ward, life, record);
        }
        else if (!life.IsStopping)
        {
            OpenIfOrdered(ward);
        }
    }

    /// <returns>Whether none is on.</returns>
    private bool AreAddressesOff(Ward ward, Life life)
    {
        if (life.Addresses is AddressStage.Asked or AddressStage.On)
        {
            life.Addresses = AddressStage.Leaving;
            TakeOff(ward.Service.Name, life.Epoch, () => Post(() => life.Addresses = AddressStage.Gone));
        }

        return life.Addresses is AddressStage.Off or AddressStage.Gone;
    }
}
