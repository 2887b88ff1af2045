//! Interfaces whose operations have names: identifier, name, what their operations' names have in front, and these in
//! the order of their numbers. Facts of the [MS-…] protocol documents, named as Zeek's logs name them.

use super::interfaces::Interface;

pub(super) const NUMBERED: &[Interface] = &[
    Interface::new(
        "367abb81-9844-35f1-ad32-98f038001003",
        "svcctl",
        "",
        "CloseServiceHandle ControlService DeleteService LockServiceDatabase QueryServiceObjectSecurity \
         SetServiceObjectSecurity QueryServiceStatus SetServiceStatus UnlockServiceDatabase \
         NotifyBootConfigStatus ScSetServiceBitsW ChangeServiceConfigW CreateServiceW EnumDependentServicesW \
         EnumServicesStatusW OpenSCManagerW OpenServiceW QueryServiceConfigW QueryServiceLockStatusW \
         StartServiceW GetServiceDisplayNameW GetServiceKeyNameW ScSetServiceBitsA ChangeServiceConfigA \
         CreateServiceA EnumDependentServicesA EnumServicesStatusA OpenSCManagerA OpenServiceA \
         QueryServiceConfigA QueryServiceLockStatusA StartServiceA GetServiceDisplayNameA GetServiceKeyNameA \
         ScGetCurrentGroupStateW EnumServiceGroupW ChangeServiceConfig2A ChangeServiceConfig2W \
         QueryServiceConfig2A QueryServiceConfig2W QueryServiceStatusEx EnumServicesStatusExA \
         EnumServicesStatusExW ScSendTSMessage CreateServiceWOW64A CreateServiceWOW64W ScQueryServiceTagInfo \
         NotifyServiceStatusChange GetNotifyResult CloseNotifyHandle ControlServiceExA ControlServiceExW \
         ScSendPnPMessage ScValidatePnPService ScOpenServiceStatusHandle",
    ),
    Interface::new(
        "86d35949-83c9-4044-b424-db363231fd0c",
        "ITaskSchedulerService",
        "SchRpc",
        "HighestVersion RegisterTask RetrieveTask CreateFolder SetSecurity GetSecurity EnumFolder EnumTasks \
         EnumInstances GetInstanceInfo StopInstance Stop Run Delete Rename ScheduledRuntimes GetLastRunInfo \
         GetTaskInfo",
    ),
    Interface::new(
        "378e52b0-c0a9-11cf-822d-00aa0051e40f",
        "sasec",
        "SA",
        "SetAccountInformation SetNSAccountInformation GetNSAccountInformation GetAccountInformation",
    ),
    Interface::new("1ff70682-0a51-30e8-076d-740be8cee98b", "atsvc", "NetrJob", "Add Del Enum GetInfo"),
    Interface::new(
        "0a74ef1c-41a4-4e06-83ae-dc74fb1cdd53",
        "idletask",
        "ItSrv",
        "RegisterIdleTask UnregisterIdleTask ProcessIdleTasks SetDetectionParameters",
    ),
    Interface::new(
        "afa8bd80-7d8a-11c9-bef4-08002b102989",
        "mgmt",
        "",
        "inq_if_ids inq_stats is_server_listening stop_server_listening inq_princ_name",
    ),
    Interface::new(
        "f5cc59b4-4264-101a-8c59-08002b2f8426",
        "FrsRpc",
        "Frs",
        "RpcSendCommPkt RpcVerifyPromotionParent RpcStartPromotionParent NOP BackupComplete BackupComplete \
         BackupComplete BackupComplete BackupComplete BackupComplete RpcVerifyPromotionParentEx",
    ),
    Interface::new(
        "000001a0-0000-0000-c000-000000000046",
        "IRemoteSCMActivator",
        "",
        "QueryInterfaceIRemoteSCMActivator AddRefIRemoteISCMActivator ReleaseIRemoteISCMActivator \
         RemoteGetClassObject RemoteCreateInstance",
    ),
    Interface::new(
        "00000143-0000-0000-c000-000000000046",
        "IRemUnknown2",
        "",
        "QueryInterface AddRef Release RemQueryInterface RemAddRef RemRelease RemQueryInterface2",
    ),
    Interface::new(
        "12345778-1234-abcd-ef00-0123456789ab",
        "lsarpc",
        "Lsar",
        "Close Delete EnumeratePrivileges QuerySecurityObject SetSecurityObject ChangePassword OpenPolicy \
         QueryInformationPolicy SetInformationPolicy ClearAuditLog CreateAccount EnumerateAccounts \
         CreateTrustedDomain EnumerateTrustedDomains LookupNames LookupSids CreateSecret OpenAccount \
         EnumeratePrivilegesAccount AddPrivilegesToAccount RemovePrivilegesFromAccount GetQuotasForAccount \
         SetQuotasForAccount GetSystemAccessAccount SetSystemAccessAccount OpenTrustedDomain \
         QueryInfoTrustedDomain SetInformationTrustedDomain OpenSecret SetSecret QuerySecret \
         LookupPrivilegeValue LookupPrivilegeName LookupPrivilegeDisplayName DeleteObject \
         EnumerateAccountsWithUserRight EnumerateAccountRights AddAccountRights RemoveAccountRights \
         QueryTrustedDomainInfo SetTrustedDomainInfo DeleteTrustedDomain StorePrivateData RetrievePrivateData \
         OpenPolicy2 GetUserName QueryInformationPolicy2 SetInformationPolicy2 QueryTrustedDomainInfoByName \
         SetTrustedDomainInfoByName EnumerateTrustedDomainsEx CreateTrustedDomainEx CloseTrustedDomainEx \
         QueryDomainInformationPolicy SetDomainInformationPolicy OpenTrustedDomainByName TestCall LookupSids2 \
         LookupNames2 CreateTrustedDomainEx2 =CredrWrite =CredrRead =CredrEnumerate \
         =CredrWriteDomainCredentials =CredrReadDomainCredentials =CredrDelete =CredrGetTargetInfo \
         =CredrProfileLoaded LookupNames3 =CredrGetSessionTypes RegisterAuditEvent GenAuditEvent \
         UnregisterAuditEvent QueryForestTrustInformation SetForestTrustInformation =CredrRename LookupSids3 \
         LookupNames4 OpenPolicySce AdtRegisterSecurityEventSource AdtUnregisterSecurityEventSource \
         AdtReportSecurityEvent =CredrFindBestCredential SetAuditPolicy QueryAuditPolicy EnumerateAuditPolicy \
         EnumerateAuditCategories EnumerateAuditSubCategories LookupAuditCategoryName \
         LookupAuditSubCategoryName SetAuditSecurity QueryAuditSecurity =CredReadByTokenHandle \
         =CredrRestoreCredentials =CredrBackupCredentials",
    ),
    Interface::new(
        "76f03f96-cdfd-44fc-a22c-64950a001209",
        "IRemoteWinspool",
        "RpcAsync",
        "OpenPrinter AddPrinter SetJob GetJob EnumJobs AddJob ScheduleJob DeletePrinter SetPrinter GetPrinter \
         StartDocPrinter StartPagePrinter WritePrinter EndPagePrinter EndDocPrinter AbortPrinter \
         GetPrinterData GetPrinterDataEx SetPrinterData SetPrinterDataEx ClosePrinter AddForm DeleteForm \
         GetForm SetForm EnumForms GetPrinterDriver EnumPrinterData EnumPrinterDataEx EnumPrinterKey \
         DeletePrinterData DeletePrinterDataEx DeletePrinterKey XcvData SendRecvBidiData CreatePrinterIC \
         PlayGdiScriptOnPrinterIC DeletePrinterIC EnumPrinters AddPrinterDriver EnumPrinterDrivers \
         GetPrinterDriverDirectory DeletePrinterDriver DeletePrinterDriverEx AddPrintProcessor \
         EnumPrintProcessors GetPrintProcessorDirectory EnumPorts EnumMonitors AddPort SetPort AddMonitor \
         DeleteMonitor DeletePrintProcessor EnumPrintProcessorDatatypes AddPerMachineConnection \
         DeletePerMachineConnection EnumPerMachineConnections =RpcSyncRegisterForRemoteNotifications \
         =RpcSyncUnRegisterForRemoteNotifications =RpcSyncRefreshRemoteNotifications GetRemoteNotifications \
         InstallPrinterDriverFromPackage UploadPrinterDriverPackage GetCorePrinterDrivers \
         CorePrinterDriverInstalled GetPrinterDriverPackagePath DeletePrinterDriverPackage ReadPrinter \
         ResetPrinter GetJobNamedPropertyValue SetJobNamedProperty DeleteJobNamedProperty \
         EnumJobNamedProperties LogJobInfoForBranchOffice",
    ),
    Interface::new(
        "12345678-1234-abcd-ef00-01234567cffb",
        "netlogon",
        "Netr",
        "LogonUasLogon LogonUasLogoff LogonSamLogon LogonSamLogoff ServerReqChallenge ServerAuthenticate \
         ServerPasswordSet DatabaseDeltas DatabaseSync AccountDeltas AccountSync GetDCName LogonControl \
         GetAnyDCName LogonControl2 ServerAuthenticate2 DatabaseSync2 DatabaseRedo LogonControl2Ex \
         EnumerateTrustedDomains =DsrGetDcName LogonGetCapabilities LogonSetServiceBits LogonGetTrustRid \
         LogonComputeServerDigest LogonComputeClientDigest ServerAuthenticate3 =DsrGetDcNameEx \
         =DsrGetSiteName LogonGetDomainInfo ServerPasswordSet2 ServerPasswordGet LogonSendToSam \
         =DsrAddressToSiteNamesW =DsrGetDcNameEx2 LogonGetTimeServiceParentDomain EnumerateTrustedDomainsEx \
         =DsrAddressToSiteNamesExW =DsrGetDcSiteCoverageW LogonSamLogonEx =DsrEnumerateDomainTrusts \
         =DsrDeregisterDnsHostRecords ServerTrustPasswordsGet =DsrGetForestTrustInformation \
         GetForestTrustInformation LogonSamLogonWithFlags ServerGetTrustInfo =unused \
         =DsrUpdateReadOnlyServerDnsRecords ChainSetClientAttributes",
    ),
    Interface::new(
        "e3514235-4b06-11d1-ab04-00c04fc2dcd2",
        "drsuapi",
        "DRS",
        "Bind Unbind ReplicaSync GetNCChanges UpdateRefs ReplicaAdd ReplicaDel ReplicaModify VerifyNames \
         GetMemberships InterDomainMove GetNT4ChangeLog CrackNames WriteSPN RemoveDsServer RemoveDsDomain \
         DomainControllerInfo AddEntry ExecuteKCC GetReplInfo AddSidHistory GetMemberships2 \
         ReplicaVerifyObjects GetObjectExistence QuerySitesByCost",
    ),
    Interface::new("4d9f4ab8-7d1c-11cf-861e-0020af6e7c57", "IActivation", "", "RemoteActivation"),
    Interface::new(
        "99fcfec4-5260-101b-bbcb-00aa0021347a",
        "IObjectExporter",
        "",
        "ResolveOxid SimplePing ComplexPing ServerAlive ResolveOxid2 ServerAlive2",
    ),
    Interface::new(
        "e1af8308-5d1f-11c9-91a4-08002b14a0fa",
        "epmapper",
        "ept_",
        "insert delete lookup map lookup_handle_free inq_object mgmt_delete map_auth map_auth_async",
    ),
    Interface::new(
        "12345778-1234-abcd-ef00-0123456789ac",
        "samr",
        "Samr",
        "Connect CloseHandle SetSecurityObject QuerySecurityObject ShutdownSamServer LookupDomainInSamServer \
         EnumerateDomainsInSamServer OpenDomain QueryInformationDomain SetInformationDomain \
         CreateGroupInDomain EnumerateGroupsInDomain CreateUserInDomain EnumerateUsersInDomain \
         CreateAliasInDomain EnumerateAliasesInDomain GetAliasMembership LookupNamesInDomain \
         LookupIdsInDomain OpenGroup QueryInformationGroup SetInformationGroup AddMemberToGroup DeleteGroup \
         RemoveMemberFromGroup GetMembersInGroup SetMemberAttributesOfGroup OpenAlias QueryInformationAlias \
         SetInformationAlias DeleteAlias AddMemberToAlias RemoveMemberFromAlias GetMembersInAlias OpenUser \
         DeleteUser QueryInformationUser SetInformationUser ChangePasswordUser GetGroupsForUser \
         QueryDisplayInformation GetDisplayEnumerationIndex TestPrivateFunctionsDomain \
         TestPrivateFunctionsUser GetUserDomainPasswordInformation RemoveMemberFromForeignDomain \
         QueryInformationDomain2 QueryInformationUser2 QueryDisplayInformation2 GetDisplayEnumerationIndex2 \
         CreateUser2InDomain QueryDisplayInformation3 AddMultipleMembersToAlias \
         RemoveMultipleMembersFromAlias OemChangePasswordUser2 UnicodeChangePasswordUser2 \
         GetDomainPasswordInformation Connect2 SetInformationUser2 SetBootKeyInformation \
         GetBootKeyInformation Connect3 Connect4 UnicodeChangePasswordUser3 Connect5 RidToSid SetDSRMPassword \
         ValidatePassword QueryLocalizableAccountsInDomain PerformGenericOperation",
    ),
    Interface::new(
        "4b324fc8-1670-01d3-1278-5a47bf6ee188",
        "srvsvc",
        "Netr",
        "CharDevEnum CharDevGetInfo CharDevControl CharDevQEnum CharDevQGetInfo CharDevQSetInfo CharDevQPurge \
         CharDevQPurgeSelf ConnectionEnum FileEnum FileGetInfo FileClose SessionEnum SessionDel ShareAdd \
         ShareEnum ShareGetInfo ShareSetInfo ShareDel ShareDelSticky ShareCheck ServerGetInfo ServerSetInfo \
         ServerDiskEnum ServerStatisticsGet ServerTransportAdd ServerTransportEnum ServerTransportDel \
         RemoteTOD ServerSetServiceBits =NetprPathType =NetprPathCanonicalize =NetprPathCompare \
         =NetprNameValidate =NetprNameCanonicalize =NetprNameCompare ShareEnumSticky ShareDelStart \
         ShareDelCommit pGetFileSecurity pSetFileSecurity ServerTransportAddEx ServerSetServiceBitsEx \
         DfsGetVersion DfsCreateLocalPartition DfsDeleteLocalPartition DfsSetLocalVolumeState \
         DfsSetServerInfo DfsCreateExitPoint DfsDeleteExitPoint DfsModifyPrefix DfsFixLocalVolume \
         DfsManagerReportSiteInfo ServerTransportDelEx ServerAliasAdd ServerAliasEnum ServerAliasDel \
         ShareDelEx",
    ),
    Interface::new(
        "45f52c28-7f9f-101a-b52b-08002b2efabe",
        "winspipe",
        "R_Wins",
        "RecordAction Status Trigger DoStaticInit DoScavenging GetDbRecs Term Backup DelDbRecs PullRange \
         SetPriorityClass ResetCounters WorkerThdUpd GetNameAndAdd GetBrowserNames_Old DeleteWins SetFlags \
         GetDbRecsByName StatusWHdl DoScavengingNew",
    ),
    Interface::new(
        "6bffd098-a112-3610-9833-46c3f87e345a",
        "wkssvc",
        "Netr",
        "WkstaGetInfo WkstaSetInfo WkstaUserEnum WkstaUserGetInfo WkstaUserSetInfo WkstaTransportEnum \
         WkstaTransportAdd WkstaTransportDel UseAdd UseGetInfo UseDel UseEnum MessageBufferSend \
         WorkstationStatisticsGet LogonDomainNameAdd LogonDomainNameDel JoinDomain UnjoinDomain ValidateName \
         RenameMachineInDomain GetJoinInformation GetJoinableOUs JoinDomain2 UnjoinDomain2 \
         RenameMachineInDomain2 ValidateName2 GetJoinableOUs2 AddAlternateComputerName \
         RemoveAlternateComputerName SetPrimaryComputerName EnumerateComputerNames WorkstationResetDfsCache",
    ),
    Interface::new(
        "3919286a-b10c-11d0-9ba8-00c04fd92ef5",
        "dssetup",
        "DsRoler",
        "GetPrimaryDomainInformation DnsNameToFlatName DcAsDc DcAsReplica DemoteDc GetDcOperationProgress \
         GetDcOperationResults Cancel ServerSaveStateForUpgrade UpgradeDownlevelServer \
         AbortDownlevelServerUpgrade",
    ),
    Interface::new(
        "12345678-1234-abcd-ef00-0123456789ab",
        "spoolss",
        "Rpc",
        "EnumPrinters OpenPrinter SetJob GetJob EnumJobs AddPrinter DeletePrinter SetPrinter GetPrinter \
         AddPrinterDriver EnumPrinterDrivers GetPrinterDriver GetPrinterDriverDirectory DeletePrinterDriver \
         AddPrintProcessor EnumPrintProcessors GetPrintProcessorDirectory StartDocPrinter StartPagePrinter \
         WritePrinter EndPagePrinter AbortPrinter ReadPrinter EndDocPrinter AddJob ScheduleJob GetPrinterData \
         SetPrinterData WaitForPrinterChange ClosePrinter AddForm DeleteForm GetForm SetForm EnumForms \
         EnumPorts EnumMonitors AddPort ConfigurePort DeletePort CreatePrinterIC PlayGdiScriptOnPrinterIC \
         DeletePrinterIC AddPrinterConnection DeletePrinterConnection PrinterMessageBox AddMonitor \
         DeleteMonitor DeletePrintProcessor AddPrintProvidor DeletePrintProvidor EnumPrintProcessorDatatypes \
         ResetPrinter GetPrinterDriver2 ClientFindFirstPrinterChangeNotification \
         FindNextPrinterChangeNotification FindClosePrinterChangeNotification \
         RouterFindFirstPrinterChangeNotificationOld ReplyOpenPrinter RouterReplyPrinter ReplyClosePrinter \
         AddPortEx RemoteFindFirstPrinterChangeNotification SpoolerInit ResetPrinterEx \
         RemoteFindFirstPrinterChangeNotificationEx RouterReplyPrinterEx \
         RouterRefreshPrinterChangeNotification SetAllocFailCount SplOpenPrinter AddPrinterEx SetPort \
         EnumPrinterData DeletePrinterData ClusterSplOpen ClusterSplClose ClusterSplIsAlive SetPrinterDataEx \
         GetPrinterDataEx EnumPrinterDataEx EnumPrinterKey DeletePrinterDataEx DeletePrinterKey SeekPrinter \
         DeletePrinterDriverEx AddPerMachineConnection DeletePerMachineConnection EnumPerMachineConnections \
         XcvData AddPrinterDriverEx SplOpenPrinter GetSpoolFileInfo CommitSpoolData CloseSpoolFileHandle \
         FlushPrinter SendRecvBidiData AddDriverCatalog AddPrinterConnection2 DeletePrinterConnection2 \
         InstallPrinterDriverFromPackage UploadPrinterDriverPackage GetCorePrinterDrivers \
         CorePrinterDriverInstalled GetPrinterDriverPackagePath ReportJobProcessingProgress",
    ),
    Interface::new(
        "f5cc5a18-4264-101a-8c59-08002b2f8426",
        "nspi",
        "Nspi",
        "Bind Unbind UpdateStat QueryRows SeekEntries GetMatches ResortRestriction DNToEph GetPropList \
         GetProps",
    ),
    Interface::new(
        "a4f1db00-ca47-1067-b31f-00dd010662da",
        "exchange_mapi",
        "Ec",
        "DoConnect DoDisconnect DoRpc GetMoreRpc RRegisterPushNotification RUnregisterPushNotification \
         DummyRpc RGetDCName RNetGetDCName DoRpcExt DoConnectEx DoRpcExt2 Unknown0xC Unknown0xD \
         DoAsyncConnectEx",
    ),
    Interface::new(
        "9556dc99-828c-11cf-a37e-00aa003240c7",
        "IWbemServices",
        "",
        "- - - OpenNamespace CancelAsyncCall QueryObjectSink GetObject GetObjectAsync PutClass PutClassAsync \
         DeleteClass DeleteClassAsync CreateClassEnum CreateClassEnumAsync PutInstance PutInstanceAsync \
         DeleteInstance DeleteInstanceAsync CreateInstanceEnum CreateInstanceEnumAsync ExecQuery \
         ExecQueryAsync ExecNotificationQuery ExecNotificationQueryAsync ExecMethod ExecMethodAsync",
    ),
    Interface::new(
        "f309ad18-d86a-11d0-a075-00c04fb68820",
        "IWbemLevel1Login",
        "",
        "- - - EstablishPosition RequestChallenge WBEMLogin NTLMLogin",
    ),
    Interface::new(
        "50abc2a4-574d-40b3-9d66-ee4fd5fba076",
        "dnsserver",
        "Dnssrv",
        "Operation Query ComplexOperation EnumRecords UpdateRecord Operation2 Query2 ComplexOperation2 \
         EnumRecords2 UpdateRecord2",
    ),
    Interface::new(
        "3faf4738-3a21-4307-b46c-fdda9bb8c0d5",
        "AudioSrv",
        "",
        "gfxCreateZoneFactoriesList gfxCreateGfxFactoriesList gfxCreateGfxList gfxRemoveGfx gfxAddGfx \
         gfxModifyGx gfxOpenGfx gfxLogon gfxLogoff winmmRegisterSessionNotificationEvent \
         winmmUnregisterSessionNotification winmmSessionConnectState wdmDriverOpenDrvRegKey \
         winmmAdvisePreferredDeviceChange winmmGetPnpInfo",
    ),
    Interface::new(
        "c386ca3e-9061-4a72-821e-498d83be188f",
        "AudioRpc",
        "Audio",
        "ServerConnect ServerDisconnect ServerInitialize ServerGetAudioSession ServerCreateStream \
         ServerDestroyStream ServerGetStreamLatency ServerGetMixFormat ServerIsFormatSupported \
         ServerGetDevicePeriod VolumeGetMasterVolumeLevelScalar SessionGetProcessId SessionGetState \
         SessionGetLastActivation SessionGetLastInactivation SessionIsSystemSoundsSession \
         SessionGetDisplayName SessionSetDisplayName SessionGetSessionClass SessionSetSessionClass \
         SessionGetVolume SessionSetVolume SessionGetMute SessionSetMute SessionGetChannelCount \
         SessionSetChannelVolume SessionGetChannelVolume SessionSetAllVolumes SessionGetAllVolumes \
         ServerDisconnect ServerGetMixFormat =PolicyConfigGetDeviceFormat =PolicyConfigSetDeviceFormat \
         ServerGetDevicePeriod =PolicyConfigSetProcessingPeriod =PolicyConfigGetShareMode \
         =PolicyConfigSetShareMode =GetAudioSessionManager SessionManagerDestroy \
         SessionManagerGetAudioSession SessionManagerGetCurrentSession SessionManagerGetExistingSession \
         SessionManagerAddAudioSessionClientNotification SessionManagerDeleteAudioSessionClientNotification \
         SessionManagerAddAudioSessionClientNotification VolumeConnect VolumeDisconnect VolumeGetChannelCount \
         VolumeSetMasterVolumeLevel VolumeSetMasterVolumeLevelScalar VolumeGetMasterVolumeLevel \
         VolumeGetMasterVolumeLevelScalar VolumeSetChannelVolumeLevel VolumeSetChannelVolumeLevelScalar \
         VolumeGetChannelVolumeLevel VolumeGetChannelVolumeLevelScalar VolumeSetMute SessionGetDisplayName \
         VolumeAddMasterVolumeNotification VolumeDeleteMasterVolumeNotification MeterGetAverageRMS \
         MeterGetChannelsRMS MeterGetPeakValue MeterGetChannelsPeakValues VolumeGetStepInfo VolumeStepUp \
         VolumeStepDown",
    ),
    Interface::new(
        "6bffd098-a112-3610-9833-012892020162",
        "browser",
        "Browserr",
        "ServerEnum DebugCall QueryOtherDomains ResetNetlogonState DebugTrace QueryStatistics ResetStatistics \
         =NetrBrowserStatisticsClear =NetrBrowserStatisticsGet SetNetlogonState QueryEmulatedDomains \
         ServerEnumEx",
    ),
    Interface::new("91ae6020-9e3c-11cf-8d7c-00aa00c091be", "ICertPassage", "", "CertServerRequest"),
    Interface::new(
        "82273fdc-e32a-18c3-3f78-827929dc23ea",
        "eventlog",
        "Elfr",
        "ClearELFW BackupELFW CloseEL DeregisterEventSource NumberOfRecords OldestRecord ChangeNotify OpenELW \
         RegisterEventSourceW OpenBELW ReadELW ReportEventW ClearELFA BackupELFA OpenELA RegisterEventSourceA \
         OpenBELA ReadELA ReportEventA RegisterClusterSvc DeregisterClusterSvc WriteClusterEvents \
         GetLogInformation FlushEL ReportEventAndSourceW",
    ),
    Interface::new(
        "894de0c0-0d55-11d3-a322-00c04fa321a1",
        "InitShutdown",
        "Base",
        "InitiateShutdown AbortShutdown InitiateShutdownEx",
    ),
    Interface::new("d95afe70-a6d5-4259-822e-2c84da1ddb0d", "WindowsShutdown", "Wsdr", "InitiateShutdown AbortShutdown"),
    Interface::new(
        "8d0ffe72-d252-11d0-bf8f-00c04fd9126b",
        "IKeySvc",
        "Keyr",
        "OpenKeyService EnumerateProviders EnumerateProviderTypes EnumerateProvContainers CloseKeyService \
         GetDefaultProvider SetDefaultProvider Enroll ExportCert ImportCert EnumerateAvailableCertTypes \
         EnumerateCAs Enroll_V2 QueryRequestStatus",
    ),
    Interface::new("68b58241-c259-4f03-a2e5-a2651dcbc930", "IKeySvc2", "KSr", "SubmitRequest GetTemplates GetCAs"),
    Interface::new("0d72a7d4-6148-11d1-b4aa-00c04fb66ea0", "ICertProtect", "", "SSCertProtectFunction"),
    Interface::new(
        "f50aac00-c7f3-428e-a022-a6b71bfb9d43",
        "ICatDBSvc",
        "SSCatDB",
        "AddCatalog DeleteCatalog EnumCatalogs RegisterForChangeNotification =KeyrCloseKeyService \
         RebuildDatabase",
    ),
    Interface::new(
        "338cd001-2244-31f1-aaaa-900038001003",
        "winreg",
        "BaseReg",
        "=OpenClassesRoot =OpenCurrentUser =OpenLocalMachine =OpenPerformanceData =OpenUsers CloseKey \
         CreateKey DeleteKey DeleteValue EnumKey EnumValue FlushKey GetKeySecurity LoadKey \
         NotifyChangeKeyValue OpenKey QueryInfoKey QueryValue ReplaceKey RestoreKey SaveKey SetKeySecurity \
         SetValue UnLoadKey =BaseInitiateSystemShutdown =BaseAbortSystemShutdown GetVersion \
         =OpenCurrentConfig =OpenDynData QueryMultipleValues =BaseInitiateSystemShutdownEx SaveKeyEx \
         =OpenPerformanceText =OpenPerformanceNlsText QueryMultipleValues2 DeleteKeyEx",
    ),
    Interface::new("3dde7c30-165d-11d1-ab8f-00805f14db40", "BackupKey", "", "bkrp_BackupKey"),
    Interface::new(
        "3c4728c5-f0ab-448b-bda1-6ce01eb0a6d5",
        "RpcSrvDHCPC",
        "RpcSrv",
        "EnableDhcp RenewLease RenewLeaseByBroadcast ReleaseLease SetFallbackParams GetFallbackParams \
         FallbackRefreshParams StaticRefreshParams RemoveDnsRegistrations RequestParams \
         PersistentRequestParams RegisterParams DeRegisterParams EnumInterfaces QueryLeaseInfo SetClassId \
         GetClassId SetClientId GetClientId NotifyMediaReconnected GetOriginalSubnetMask \
         SetMSFTVendorSpecificOptions RequestCachedParams RegisterConnectionStateNotification \
         DeRegisterConnectionStateNotification GetNotificationStatus GetDhcpServicedConnections",
    ),
    Interface::new(
        "3c4728c5-f0ab-448b-bda1-6ce01eb0a6d6",
        "dhcpcsvc6",
        "RpcSrv",
        "RequestPrefix RenewPrefix ReleasePrefix RequestParams",
    ),
    Interface::new(
        "2f59a331-bf7d-48cb-9ec5-7c090d76e8b8",
        "lcrpc",
        "RpcLicensing",
        "OpenServer CloseServer LoadPolicy UnloadPolicy SetPolicy GetAvailablePolicyIds GetPolicy \
         GetPolicyInformation DeactivateCurrentPolicy",
    ),
    Interface::new(
        "5ca4a760-ebb1-11cf-8611-00a0245420ed",
        "winstation_rpc",
        "RpcWinStation",
        "OpenServer CloseServer =RpcIcaServerPing Enumerate Rename QueryInformation SetInformation \
         SendMessage =RpcLogonIdFromWinStationName NameFromLogonId Connect VirtualOpen BeepOpen Disconnect \
         Reset ShutdownSystem WaitSystemEvent Shadow ShadowTargetSetup ShadowTarget GenerateLicense \
         InstallLicense EnumerateLicenses ActivateLicense RemoveLicense QueryLicense SetPoolCount \
         QueryUpdateRequired Callback GetApplicationInfo ReadRegistry WaitForConnect NotifyLogon NotifyLogoff \
         EnumerateProcesses AnnoyancePopup EnumerateProcesses TerminateProcess =RpcServerNWLogonSetAdmin \
         =RpcServerNWLogonQueryAdmin NtsdDebug BreakPoint CheckForApplicationName GetAllProcesses \
         GetProcessSid GetTermSrvCountersValue ReInitializeSecurity BroadcastSystemMessage SendWindowMessage \
         NotifyNewSession =RpcServerGetInternetConnectorStatus =RpcServerSetInternetConnectorStatus \
         =RpcServerQueryInetConnectorInformation GetLanAdapterName UpdateUserConfig QueryLogonCredentials \
         RegisterConsoleNotification UnRegisterConsoleNotification UpdateSettings ShadowStop CloseServerEx \
         IsHelpAssistantSession GetMachinePolicy UpdateClientCachedCredentials FUSCanRemoteUserDisconnect \
         CheckLoopBack =RpcConnectCallback NotifyDisconnectPipe SessionInitialized \
         =RpcRemoteAssistancePrepareSystemRestore GetAllProcesses_NT6 RegisterNotificationEvent \
         UnRegisterNotificationEvent AutoReconnect CheckAccess OpenSessionDirectory",
    ),
    Interface::new("12b81e99-f207-4a4c-85d3-77b42f76fd14", "ISeclogon", "SeclCreateProcessWithLogon", "W ExW"),
    Interface::new("d6d70ef0-0e3b-11cb-acc3-08002b1d29c3", "NsiS", "nsi_binding_", "export unexport"),
    Interface::new(
        "d3fbb514-0e3b-11cb-8fad-08002b1d29c3",
        "NsiC",
        "nsi_",
        "binding_lookup_begin binding_lookup_done binding_lookup_next mgmt_handle_set_exp_age",
    ),
    Interface::new(
        "d6d70ef0-0e3b-11cb-acc3-08002b1d29c4",
        "NsiM",
        "nsi_",
        "group_delete group_mbr_add group_mbr_remove group_mbr_inq_begin group_mbr_inq_next \
         group_mbr_inq_done profile_delete profile_elt_add profile_elt_remove profile_elt_inq_begin \
         profile_elt_inq_next profile_elt_inq_done entry_object_inq_begin entry_object_inq_next \
         entry_object_inq_done entry_expand_name mgmt_binding_unexport mgmt_entry_delete mgmt_entry_create \
         mgmt_entry_inq_if_ids mgmt_inq_exp_age mgmt_inq_set_age",
    ),
    Interface::new("17fdd703-1827-4e34-79d4-24a55c53bb37", "msgsvc", "NetrMessageName", "Add Enum GetInfo Del"),
    Interface::new("5a7b91f8-ff00-11d0-a9b2-00c04fb6e6fc", "msgsvcsend", "", "NetrSendMessage"),
    Interface::new(
        "8d9f4e40-a03d-11ce-8f69-08003e30051b",
        "pnp",
        "PNP_",
        "Disconnect Connect GetVersion GetGlobalState InitDetection ReportLogOn ValidateDeviceInstance \
         GetRootDeviceInstance GetRelatedDeviceInstance EnumerateSubKeys GetDeviceList GetDeviceListSize \
         GetDepth GetDeviceRegProp SetDeviceRegProp GetClassInstance CreateKey DeleteRegistryKey \
         GetClassCount GetClassName DeleteClassKey GetInterfaceDeviceAlias GetInterfaceDeviceList \
         GetInterfaceDeviceListSize RegisterDeviceClassAssociation UnregisterDeviceClassAssociation \
         GetClassRegProp SetClassRegProp CreateDevInst DeviceInstanceAction GetDeviceStatus SetDeviceProblem \
         DisableDevInst UninstallDevInst AddID RegisterDriver QueryRemove RequestDeviceEject \
         IsDockStationPresent RequestEjectPC HwProfFlags GetHwProfInfo AddEmptyLogConf FreeLogConf \
         GetFirstLogConf GetNextLogConf GetLogConfPriority AddResDes FreeResDes GetNextResDes GetResDesData \
         GetResDesDataSize ModifyResDes DetectResourceConflict QueryResConfList SetHwProf \
         QueryArbitratorFreeData QueryArbitratorFreeSize RunDetection RegisterNotification \
         UnregisterNotification GetCustomDevProp GetVersionInternal GetBlockedDriverInfo \
         GetServerSideDeviceInstallFlags GetObjectPropKeys GetObjectProp SetObjectProp InstallDevInst \
         ApplyPowerSettings DriverStoreAddDriverPackage DriverStoreDeleteDriverPackage \
         RegisterServiceNotification SetActiveService DeleteServiceDevices",
    ),
    Interface::new("57674cd0-5200-11ce-a897-08002b2e9c6d", "lls_license", "LlsrLicense", "RequestW Free"),
    Interface::new(
        "342cfd40-3c6c-11ce-a893-08002b2e9c6d",
        "llsrpc",
        "Llsr",
        "Connect Close LicenseEnumW LicenseEnumA LicenseAddW LicenseAddA ProductEnumW ProductEnumA \
         ProductAddW ProductAddA ProductUserEnumW ProductUserEnumA ProductServerEnumW ProductServerEnumA \
         ProductLicenseEnumW ProductLicenseEnumA UserEnumW UserEnumA UserInfoGetW UserInfoGetA UserInfoSetW \
         UserInfoSetA UserDeleteW UserDeleteA UserProductEnumW UserProductEnumA UserProductDeleteW \
         UserProductDeleteA MappingEnumW MappingEnumA MappingInfoGetW MappingInfoGetA MappingInfoSetW \
         MappingInfoSetA MappingUserEnumW MappingUserEnumA MappingUserAddW MappingUserAddA MappingUserDeleteW \
         MappingUserDeleteA MappingAddW MappingAddA MappingDeleteW MappingDeleteA ServerEnumW ServerEnumA \
         ServerProductEnumW ServerProductEnumA LocalProductEnumW LocalProductEnumA LocalProductInfoGetW \
         LocalProductInfoGetA LocalProductInfoSetW LocalProductInfoSetA ServiceInfoGetW ServiceInfoGetA \
         ServiceInfoSetW ServiceInfoSetA ReplConnect ReplClose ReplicationRequestW ReplicationServerAddW \
         ReplicationServerServiceAddW ReplicationServiceAddW ReplicationUserAddW ProductSecurityGetW \
         ProductSecurityGetA ProductSecuritySetW ProductSecuritySetA ProductLicensesGetA ProductLicensesGetW \
         CertificateClaimEnumA CertificateClaimEnumW CertificateClaimAddCheckA CertificateClaimAddCheckW \
         CertificateClaimAddA CertificateClaimAddW ReplicationCertDbAddW ReplicationProductSecurityAddW \
         ReplicationUserAddExW CapabilityGet LocalServiceEnumW LocalServiceEnumA LocalServiceAddA \
         LocalServiceAddW LocalServiceInfoSetW LocalServiceInfoSetA LocalServiceInfoGetW LocalServiceInfoGetA \
         CloseEx",
    ),
    Interface::new(
        "4fc742e0-4a10-11cf-8273-00aa004ae673",
        "netdfs",
        "NetrDfs",
        "ManagerGetVersion Add Remove SetInfo GetInfo Enum Rename Move ManagerGetConfigInfo \
         ManagerSendSiteInfo AddFtRoot RemoveFtRoot AddStdRoot RemoveStdRoot ManagerInitialize \
         AddStdRootForced GetDcAddress SetDcAddress FlushFtTable Add2 Remove2 EnumEx SetInfo2",
    ),
    Interface::new(
        "83da7c00-e84f-11d2-9807-00c04f8ec850",
        "sfcapi",
        "SfcSrv_",
        "GetNextProtectedFile IsFileProtected FileException InitiateScan PurgeCache SetCacheSize SetDisable \
         InstallProtectedFiles",
    ),
    Interface::new(
        "2f5f3220-c126-1076-b549-074d078619da",
        "nddeapi",
        "NDde",
        "ShareAddW ShareDelA ShareDelW GetShareSecurityA GetShareSecurityW SetShareSecurityA \
         SetShareSecurityW ShareEnumA ShareEnumW ShareGetInfoW ShareSetInfoW SetTrustedShareA \
         SetTrustedShareW GetTrustedShareA GetTrustedShareW TrustedShareEnumA TrustedShareEnumW - \
         SpecialCommand",
    ),
    Interface::new(
        "df1941c5-fe89-4e79-bf10-463657acf44d",
        "efsrpc",
        "EfsRpc",
        "OpenFileRaw ReadFileRaw WriteFileRaw CloseRaw EncryptFileSrv DecryptFileSrv QueryUsersOnFile \
         QueryRecoveryAgents RemoveUsersFromFile AddUsersToFile - NotSupported FileKeyInfo \
         DuplicateEncryptionInfoFile - AddUsersToFileEx FileKeyInfoEx - GetEncryptedFileMetadata \
         SetEncryptedFileMetadata FlushEfsCache EncryptFileExSrv QueryProtectors",
    ),
    Interface::new(
        "c681d488-d850-11d0-8c52-00c04fd90f7e",
        "efsrpc2",
        "EfsRpc",
        "OpenFileRaw ReadFileRaw WriteFileRaw CloseRaw EncryptFileSrv DecryptFileSrv QueryUsersOnFile \
         QueryRecoveryAgents RemoveUsersFromFile AddUsersToFile - NotSupported FileKeyInfo \
         DuplicateEncryptionInfoFile - AddUsersToFileEx FileKeyInfoEx - GetEncryptedFileMetadata \
         SetEncryptedFileMetadata FlushEfsCache EncryptFileExSrv QueryProtectors",
    ),
    Interface::new(
        "a8e0653c-2744-4389-a61d-7373df8b2292",
        "FileServerVssAgent",
        "",
        "GetSupportedVersion SetContext StartShadowCopySet AddToShadowCopySet CommitShadowCopySet \
         ExposeShadowCopySet RecoveryCompleteShadowCopySet AbortShadowCopySet IsPathSupported \
         IsPathShadowCopied GetShareMapping DeleteShareMapping PrepareShadowCopySet",
    ),
    Interface::new("b9785960-524f-11df-8b6d-83dcded72085", "ISDKey", "", "GetKey"),
];
