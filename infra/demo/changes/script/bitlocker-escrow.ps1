#Requires -RunAsAdministrator
<#
.SYNOPSIS
    Makes sure that the recovery password of each protected volume is backed up to the directory.
#>
[CmdletBinding()]
param(
    [ValidateSet('AzureAD', 'ActiveDirectory')]
    [string]$Escrow = 'AzureAD'
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$failed = 0

foreach ($volume in Get-BitLockerVolume | Where-Object ProtectionStatus -EQ 'On') {
    $passwords = @($volume.KeyProtector | Where-Object KeyProtectorType -EQ 'RecoveryPassword')
    if ($passwords.Count -eq 0) {
        $volume = Add-BitLockerKeyProtector -MountPoint $volume.MountPoint -RecoveryPasswordProtector
        $passwords = @($volume.KeyProtector | Where-Object KeyProtectorType -EQ 'RecoveryPassword')
    }
    foreach ($protector in $passwords) {
        try {
            if ($Escrow -eq 'AzureAD') {
                BackupToAAD-BitLockerKeyProtector -MountPoint $volume.MountPoint -KeyProtectorId $protector.KeyProtectorId | Out-Null
            }
            else {
                Backup-BitLockerKeyProtector -MountPoint $volume.MountPoint -KeyProtectorId $protector.KeyProtectorId | Out-Null
            }
            Write-Output ('{0} {1}: backed up' -f $volume.MountPoint, $protector.KeyProtectorId)
        }
        catch {
            $failed++
            Write-Warning ('{0} {1}: {2}' -f $volume.MountPoint, $protector.KeyProtectorId, $_)
        }
    }
}
exit ([int]($failed -gt 0))
